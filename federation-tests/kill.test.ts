import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createKeyFile } from '../src/config/signing-key.ts'
import type { DatabaseConfig } from '../src/storage/open.ts'
import { bothDatabases } from '../src/test-kit/database.ts'
import { type Running, startProgram } from './program.ts'

/**
 * A kill -9 at any moment loses nothing that was acknowledged: the program itself is started, killed in a storm of
 * sends, and started again on what it left behind.
 */
interface Served extends Running {
  readonly api: string
}

const start = async (t: ExecutionContext, directory: string, database: DatabaseConfig): Promise<Served> => {
  const url = database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url
  const running = await startProgram(t, directory, { PORT: '0', TESSERA__DATABASE__URL: url })
  return { ...running, api: `${running.urls[0]}/_matrix/client/v3` }
}

const call = async (
  api: string,
  method: string,
  path: string,
  token: string,
  body?: object,
): Promise<Answer> => {
  const response = await fetch(`${api}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Answer
}

interface Answer {
  readonly access_token: string
  readonly user_id: string
  readonly device_id: string
  readonly next_batch: string
  readonly to_device?: { readonly events: readonly { readonly content: { readonly n: string } }[] }
  readonly room_id: string
  readonly event_id: string
  readonly end?: string
  readonly chunk: readonly { event_id: string; content: { body?: string } }[]
}

/** How many must be acknowledged of each kind before the server is killed. */
const ENOUGH = 150

/** What a storm has asked for, and what was acknowledged of it: the answers, by transaction. */
interface Sent {
  readonly begun: string[]
  readonly acknowledged: Map<string, Answer>
}

/** Sends of each kind on several connections, until the server is killed in the middle of both. */
const storm = async <Kind extends string>(
  server: Running,
  kinds: Readonly<Record<Kind, (txn: string) => Promise<Answer>>>,
): Promise<Record<Kind, Sent>> => {
  const sent = {} as Record<Kind, Sent>
  const names = Object.keys(kinds) as Kind[]
  for (const kind of names) sent[kind] = { begun: [], acknowledged: new Map() }
  const sender = async (kind: Kind, name: string): Promise<void> => {
    for (let i = 0; ; i++) {
      const txn = `${name}-${i}`
      sent[kind].begun.push(txn)
      sent[kind].acknowledged.set(txn, await kinds[kind](txn))
      if (names.every(each => sent[each].acknowledged.size >= ENOUGH)) server.child.kill('SIGKILL')
    }
  }
  const gone = once(server.child, 'exit')
  await Promise.allSettled(names.flatMap(kind => Array.from({ length: 12 }, (_, i) => sender(kind, `s${i}`))))
  await gone
  return sent
}

const everything = async (api: string, token: string, roomId: string): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  let from = ''
  do {
    const query = `dir=b&limit=500${from === '' ? '' : `&from=${from}`}`
    const page = await call(api, 'GET', `/rooms/${encodeURIComponent(roomId)}/messages?${query}`, token)
    for (const { event_id, content } of page.chunk)
      if (content.body !== undefined) found.set(content.body, event_id)
    from = page.end ?? ''
  } while (from !== '')
  return found
}

/** Everything that waits for a device, acknowledged batch by batch. */
const waiting = async (api: string, token: string): Promise<string[]> => {
  const found: string[] = []
  for (let since = ''; ; ) {
    const page = await call(api, 'GET', `/sync?timeout=0${since}`, token)
    const events = page.to_device?.events ?? []
    if (events.length === 0) return found
    found.push(...events.map(event => event.content.n))
    since = `&since=${page.next_batch}`
  }
}

const killTest =
  'kill -9 in a storm of sends loses nothing that was acknowledged, and doubles no message to a device'

bothDatabases(test, killTest, async (t, database, config) => {
  await database.close()
  const directory = mkdtempSync(join(tmpdir(), 'tessera-kill-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  createKeyFile(join(directory, 'signing.key'))
  const first = await start(t, directory, config)
  const register = (username: string): Promise<Answer> => {
    const account = { username, password: 'correct horse', auth: { type: 'm.login.dummy' } }
    return call(first.api, 'POST', '/register', '', account)
  }
  const [alice, bob] = [await register('alice'), await register('bob')]
  const token = alice.access_token
  const { room_id: roomId } = await call(first.api, 'POST', '/createRoom', token, {})
  const say = (api: string, txn: string): Promise<Answer> => {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txn}`
    return call(api, 'PUT', path, token, { msgtype: 'm.text', body: txn })
  }
  const tell = (api: string, n: string): Promise<Answer> =>
    call(api, 'PUT', `/sendToDevice/m.test/${n}`, token, {
      messages: { [bob.user_id]: { [bob.device_id]: { n } } },
    })
  const { events, messages } = await storm(first, {
    events: txn => say(first.api, txn),
    messages: n => tell(first.api, n),
  })

  const second = await start(t, directory, config)
  const stored = await everything(second.api, token, roomId)
  t.true(events.acknowledged.size >= ENOUGH)
  for (const [txn, { event_id: eventId }] of events.acknowledged) t.is(stored.get(txn), eventId, txn)
  // What was under way when it ended may be there or not; asking again makes it so, once.
  const [again] = events.acknowledged
  if (again === undefined) return t.fail()
  const repeated = await say(second.api, again[0])
  t.is(repeated.event_id, again[1].event_id, 'a repeated transaction is answered as before')

  // A client repeats what was not acknowledged; here it repeats everything.
  await Promise.all(messages.begun.map(n => tell(second.api, n)))
  const received = await waiting(second.api, bob.access_token)
  t.true(messages.acknowledged.size >= ENOUGH)
  t.deepEqual(received.toSorted(), messages.begun.toSorted())
  for (const name of new Set(messages.begun.map(n => n.split('-', 1)[0]))) {
    const own = received.filter(n => n.startsWith(`${name}-`)).map(n => Number(n.split('-')[1]))
    t.deepEqual(
      own,
      own.toSorted((a, b) => a - b),
      'in order',
    )
  }
})
