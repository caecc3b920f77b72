/**
 * `npm run demo:federation`: two servers on this machine, certificates of a throw-away authority, a user on each, a room
 * that grows across both. Prints what happens as it happens.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDirectory } from '../src/config/data-directory.ts'
import { defaultConfig } from '../src/config/load.ts'
import type { JsonObject } from '../src/core/json.ts'
import { silentLog } from '../src/core/log.ts'
import { createServer } from '../src/server.ts'
import { createAuthority } from '../src/test-kit/tls.ts'

const directory = mkdtempSync(join(tmpdir(), 'tessera-demo-'))
const PORTS: Record<string, number> = { 'tea.test': 18448, 'cake.test': 18449 }

const say = (who: string, what: string): void => console.log(`${who.padEnd(11)}${what}`)

/** Starts a whole server under a name that only these two servers can resolve. */
const start = async (serverName: string, authority: Awaited<ReturnType<typeof createAuthority>>) => {
  const data = join(directory, serverName)
  const leaf = await authority.issue([serverName])
  const files = { certificate: `${data}.pem`, key: `${data}.key`, ca: `${data}.ca.pem` }
  writeFileSync(files.certificate, leaf.cert)
  writeFileSync(files.key, leaf.key, { mode: 0o600 })
  writeFileSync(files.ca, authority.pem)
  const config = defaultConfig(directory, {
    server_name: serverName,
    data_directory: data,
    listeners: [
      { host: '127.0.0.1', port: PORTS[serverName], tls: { certificate: files.certificate, key: files.key } },
      { host: '127.0.0.1', port: 0 },
    ],
    ca_file: files.ca,
    registration: { mode: 'open' },
    federation: {
      deny_addresses: [],
      hosts: Object.fromEntries(Object.entries(PORTS).map(([name, port]) => [name, [`127.0.0.1:${port}`]])),
    },
  })
  prepareDataDirectory(config, undefined)
  const server = await createServer(config, { log: silentLog })
  const { urls } = await server.listen()
  const url = urls.find(each => each.startsWith('http:')) ?? ''
  say(serverName, `listens on ${urls.join(' and ')}`)
  return { server, url }
}

/** A client with nothing but `fetch`. */
const client = async (url: string, username: string) => {
  const api = `${url}/_matrix/client/v3`
  let token = ''
  const call = async (method: string, path: string, body?: object): Promise<JsonObject> => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as JsonObject
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }
  const account = await call('POST', '/register', {
    username,
    password: `${username} likes tea`,
    auth: { type: 'm.login.dummy' },
  })
  token = String(account['access_token'])
  const userId = String(account['user_id'])
  let since = ''
  /** Long-polls until something in a response is what is waited for. */
  const until = async <T>(find: (sync: Record<string, never>) => T | undefined): Promise<T> => {
    for (let round = 0; round < 20; round++) {
      const sync = await call('GET', `/sync?timeout=5000${since === '' ? '' : `&since=${since}`}`)
      since = String(sync['next_batch'])
      const found = find(sync as Record<string, never>)
      if (found !== undefined) return found
    }
    throw new Error(`${userId} has waited in vain`)
  }
  return { userId, call, until }
}

interface TimelineEvent {
  type: string
  sender: string
  content: { body?: string; membership?: string }
}

type SyncedRooms = {
  rooms?: {
    invite?: Record<
      string,
      { invite_state: { events: { type: string; sender: string; content: JsonObject }[] } }
    >
    join?: Record<string, { timeline: { events: TimelineEvent[] } }>
  }
}

const message = (roomId: string, from: string) => (sync: Record<string, never>) =>
  (sync as SyncedRooms).rooms?.join?.[roomId]?.timeline.events.find(
    event => event.type === 'm.room.message' && event.sender === from,
  )

const run = async (): Promise<void> => {
  const authority = await createAuthority()
  const servers = [await start('tea.test', authority), await start('cake.test', authority)]
  const [tea, cake] = servers
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  try {
    await talk(tea.url, cake.url)
  } finally {
    await Promise.all(servers.map(({ server }) => server.close()))
    rmSync(directory, { recursive: true, force: true })
  }
}

const talk = async (teaUrl: string, cakeUrl: string): Promise<void> => {
  const alice = await client(teaUrl, 'alice')
  const bob = await client(cakeUrl, 'bob')
  say('tea.test', `${alice.userId} has registered`)
  say('cake.test', `${bob.userId} has registered`)
  const created = await alice.call('POST', '/createRoom', {
    name: 'Five o’clock',
    topic: 'Tea and cake',
    room_alias_name: 'five',
  })
  const roomId = String(created['room_id'])
  say('tea.test', `alice has made the room ${roomId}`)
  await alice.call('POST', `/rooms/${roomId}/invite`, { user_id: bob.userId, reason: 'Bring cake' })
  say('tea.test', `alice has invited ${bob.userId}: “Bring cake”`)
  const invitation = await bob.until(sync => (sync as SyncedRooms).rooms?.invite?.[roomId])
  const { events } = invitation.invite_state
  const shown = (type: string, key: string) => events.find(event => event.type === type)?.content[key]
  const own = events.find(event => event.type === 'm.room.member' && event.content['membership'] === 'invite')
  say('cake.test', `bob sees the invitation to “${shown('m.room.name', 'name')}”: ${own?.content['reason']}`)
  await bob.call('POST', `/join/${encodeURIComponent(roomId)}`, {})
  say('cake.test', 'bob has joined, through tea.test')
  await alice.call('PUT', `/rooms/${roomId}/send/m.room.message/1`, {
    msgtype: 'm.text',
    body: 'Welcome, Bob!',
  })
  const welcome = await bob.until(message(roomId, alice.userId))
  say('cake.test', `bob reads: ${welcome.content.body}`)
  await bob.call('PUT', `/rooms/${roomId}/send/m.room.message/1`, {
    msgtype: 'm.text',
    body: 'The cake is here.',
  })
  const answer = await alice.until(message(roomId, bob.userId))
  say('tea.test', `alice reads: ${answer.content.body}`)
}

await run()
console.log('\nTwo servers, one room. Every request between them was signed, over TLS.')
process.exit(0)
