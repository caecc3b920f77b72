import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createKeyFile } from '../src/config/signing-key.ts'
import type { DatabaseConfig } from '../src/storage/open.ts'
import { testDatabases } from '../src/test-kit/database.ts'

/**
 * A kill -9 at any moment loses nothing that was acknowledged: the program itself is started, killed in a storm of
 * sends, and started again on what it left behind.
 */
const PROGRAM = fileURLToPath(new URL('../bin/tessera.js', import.meta.url))

interface Running {
  readonly child: ChildProcess
  readonly api: string
}

const start = async (t: ExecutionContext, directory: string, database: DatabaseConfig): Promise<Running> => {
  const url = database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      TESSERA_DATA: directory,
      PORT: '0',
      TESSERA__DATABASE__URL: url,
      TESSERA__REGISTRATION__MODE: 'open',
      TESSERA__RATE_LIMITS__ENABLED: 'false',
      TESSERA__LOGGING__FORMAT: 'json',
    },
  })
  t.teardown(() => child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no output')
  for await (const line of createInterface(child.stdout)) {
    const { msg, urls } = JSON.parse(line) as { msg: string; urls?: string[] }
    if (msg === 'listening') return { child, api: `${urls?.[0]}/_matrix/client/v3` }
  }
  throw new Error('the server ended before it listened')
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

/** Sends on several connections until the server is gone; answers what was acknowledged, by transaction. */
const storm = async (server: Running, token: string, roomId: string, killAfter: number) => {
  const acknowledged = new Map<string, string>()
  const sender = async (name: string): Promise<void> => {
    for (let i = 0; ; i++) {
      const txn = `${name}-${i}`
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txn}`
      const { event_id } = await call(server.api, 'PUT', path, token, { msgtype: 'm.text', body: txn })
      acknowledged.set(txn, event_id)
      if (acknowledged.size === killAfter) server.child.kill('SIGKILL')
    }
  }
  await Promise.allSettled(Array.from({ length: 12 }, (_, i) => sender(`s${i}`)))
  return acknowledged
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

testDatabases(
  test,
  'kill -9 in a storm of sends loses nothing that was acknowledged',
  async (t, database, config) => {
    await database.close()
    const directory = mkdtempSync(join(tmpdir(), 'tessera-kill-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    createKeyFile(join(directory, 'signing.key'))
    const first = await start(t, directory, config)
    const account = { username: 'alice', password: 'correct horse', auth: { type: 'm.login.dummy' } }
    const { access_token: token } = await call(first.api, 'POST', '/register', '', account)
    const { room_id: roomId } = await call(first.api, 'POST', '/createRoom', token, {})
    const gone = once(first.child, 'exit')
    const acknowledged = await storm(first, token, roomId, 150)
    await gone

    const second = await start(t, directory, config)
    const stored = await everything(second.api, token, roomId)
    t.true(acknowledged.size >= 150)
    for (const [txn, eventId] of acknowledged) t.is(stored.get(txn), eventId, txn)
    // What was under way when it ended may be there or not; asking again makes it so, once.
    const again = [...acknowledged][0]
    if (again === undefined) return t.fail()
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${again[0]}`
    const repeated = await call(second.api, 'PUT', path, token, { msgtype: 'm.text', body: again[0] })
    t.is(repeated.event_id, again[1], 'a repeated transaction is answered as before')
  },
)

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

testDatabases(test, 'kill -9 loses no message to a device, and doubles none', async (t, database, config) => {
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
  const send = (api: string, n: string): Promise<Answer> =>
    call(api, 'PUT', `/sendToDevice/m.test/${n}`, alice.access_token, {
      messages: { [bob.user_id]: { [bob.device_id]: { n } } },
    })
  const gone = once(first.child, 'exit')
  const begun: string[] = []
  let acknowledged = 0
  const sender = async (name: string): Promise<void> => {
    for (let i = 0; ; i++) {
      begun.push(`${name}-${i}`)
      await send(first.api, `${name}-${i}`)
      if (++acknowledged === 150) first.child.kill('SIGKILL')
    }
  }
  await Promise.allSettled(Array.from({ length: 12 }, (_, i) => sender(`s${i}`)))
  await gone

  const second = await start(t, directory, config)
  // A client repeats what was not acknowledged; here it repeats everything.
  await Promise.all(begun.map(n => send(second.api, n)))
  const received = await waiting(second.api, bob.access_token)
  t.deepEqual(received.toSorted(), begun.toSorted())
  for (const name of new Set(begun.map(n => n.split('-', 1)[0]))) {
    const own = received.filter(n => n.startsWith(`${name}-`)).map(n => Number(n.split('-')[1]))
    t.deepEqual(
      own,
      own.toSorted((a, b) => a - b),
      'in order',
    )
  }
})
