/**
 * What common requests cost on filled databases of growing size (`npm run fill`): one column for each.
 * `npm run bench:filled -- DIRECTORY…`; a database elsewhere is named as `DIRECTORY=postgres://…`.
 */
import { resolve } from 'node:path'
import { formatStreamToken, parseStreamToken } from '../src/core/stream-token.ts'
import type { Connection, RequestParts } from './connection.ts'
import { DEVICE, PASSWORD } from './filled/world.ts'
import { freePort } from './free-port.ts'
import { pause } from './load.ts'
import {
  type Account,
  call,
  createRoom,
  describe,
  messagesRequest,
  nextBatch,
  sendRequest,
  syncRequest,
} from './matrix.ts'
import { processUsage } from './process-usage.ts'
import { spawnServer } from './spawn.ts'
import { median } from './statistics.ts'

const PREFIX = '/_matrix/client/v3'
const ROUNDS = 20
const SETTLE_SECONDS = 3

interface Figure {
  /** CPU of all threads of the server, milliseconds for each request. */
  readonly cpu: number
  /** Median, milliseconds. */
  readonly wall: number
}

/** A running server and the accounts that are compared. */
interface Subject {
  readonly pid: number
  readonly connection: Connection
  readonly once: Account
  readonly half: Account
  readonly everywhere: Account
  readonly largeRoom: string
  transaction: number
}

const json = (method: 'POST', path: string, account: Account | undefined, body: object): RequestParts => ({
  ...{ method, path: `${PREFIX}${path}`, body: JSON.stringify(body) },
  ...(account === undefined ? {} : { token: account.token }),
})

const logIn = async (connection: Connection, user: string): Promise<Account> => {
  const identifier = { type: 'm.id.user', user }
  const body = { type: 'm.login.password', identifier, password: PASSWORD, device_id: DEVICE }
  const answer = await call(connection, json('POST', '/login', undefined, body))
  return { userId: String(answer['user_id']), token: String(answer['access_token']) }
}

const cpuOf = (pid: number): number => (processUsage([pid])?.cpuSeconds ?? 0) * 1000

/** Asks so many times, one after the other; each answer must be a good one. */
const measure = async (
  subject: Subject,
  requests: (round: number) => RequestParts | Promise<RequestParts>,
  rounds = ROUNDS,
): Promise<Figure> => {
  const times: number[] = []
  const before = cpuOf(subject.pid)
  for (let round = 0; round < rounds; round++) {
    const parts = await requests(round)
    const since = performance.now()
    const response = await subject.connection.request(parts)
    times.push(performance.now() - since)
    if (response.status !== 200) throw new Error(describe(parts, response))
  }
  return { cpu: (cpuOf(subject.pid) - before) / rounds, wall: median(times) ?? 0 }
}

const send = (subject: Subject, account = subject.half, roomId = subject.largeRoom): RequestParts =>
  sendRequest(account, roomId, `grown${Date.now()}.${subject.transaction++}`, 1)

/** The cost of a sync that has one message of the large room to tell, without that of sending the message. */
const news = async (subject: Subject, account: Account, sending: Figure): Promise<Figure> => {
  const { connection } = subject
  const filter = { room: { timeline: { limit: 10 } } }
  const first = await connection.request(syncRequest(account, { filter: { room: { rooms: [] } } }))
  let since = nextBatch(first.body.toString())
  const both = await measure(
    subject,
    async () => {
      await call(connection, send(subject))
      return syncRequest(account, { since, filter, timeout: 1000 })
    },
    1,
  )
  // The first one fills caches.
  const times: number[] = []
  const before = cpuOf(subject.pid)
  for (let round = 0; round < 3 * ROUNDS; round++) {
    await call(connection, send(subject))
    const started = performance.now()
    const answer = await connection.request(syncRequest(account, { since, filter, timeout: 1000 }))
    times.push(performance.now() - started)
    since = nextBatch(answer.body.toString())
  }
  const cpu = (cpuOf(subject.pid) - before) / (3 * ROUNDS) - sending.cpu
  return { cpu, wall: median(times) ?? both.wall }
}

type Measured = readonly (readonly [what: string, figure: () => Promise<Figure>])[]

const scenarios = (subject: Subject): Measured => {
  const { once, half, everywhere, largeRoom, connection } = subject
  let sending: Figure = { cpu: 0, wall: 0 }
  const room = encodeURIComponent(largeRoom)
  const search = (account: Account, term: string) =>
    json('POST', '/search', account, { search_categories: { room_events: { search_term: term } } })
  const inPast = async (part: number): Promise<Figure> => {
    const newest = await call(connection, messagesRequest(half, largeRoom, 1))
    const { events = 0 } = parseStreamToken(String(newest['start'])) ?? {}
    return measure(subject, () =>
      messagesRequest(half, largeRoom, 50, formatStreamToken({ events: Math.round(events * part) })),
    )
  }
  const users = (account: Account, count: number): string[] => {
    const host = account.userId.slice(account.userId.indexOf(':'))
    return Array.from({ length: count }, (_, n) => `@user${3 + n}${host}`)
  }
  return [
    [
      'a message to a room of one',
      async () => {
        const roomId = await createRoom(connection, half, { preset: 'public_chat' })
        return measure(subject, () => send(subject, half, roomId), 200)
      },
    ],
    ['a message to the large room', async () => (sending = await measure(subject, () => send(subject), 60))],
    ['sync with one message, in 1 room', () => news(subject, once, sending)],
    ['sync with one message, in all rooms', () => news(subject, everywhere, sending)],
    ['initial sync, in half of all rooms, first', () => measure(subject, () => syncRequest(half), 1)],
    ['initial sync, in half of all rooms, again', () => measure(subject, () => syncRequest(half), 3)],
    ['50 messages of the large room, newest', () => inPast(1)],
    ['50 messages of the large room, half-way back', () => inPast(0.5)],
    ['50 messages of the large room, oldest', () => inPast(0.1)],
    [
      'directory: all rooms match',
      () =>
        measure(subject, () =>
          json('POST', '/publicRooms', half, { limit: 20, filter: { generic_search_term: 'room number' } }),
        ),
    ],
    [
      'directory: one room matches',
      () =>
        measure(subject, () =>
          json('POST', '/publicRooms', half, { limit: 20, filter: { generic_search_term: 'number 57' } }),
        ),
    ],
    [
      'users by a part of their names',
      () => measure(subject, () => json('POST', '/user_directory/search', half, { search_term: 'user 12' })),
    ],
    ['search for a common word, in 1 room', () => measure(subject, () => search(once, 'baba'))],
    ['search for a common word, in all rooms', () => measure(subject, () => search(everywhere, 'baba'))],
    ['search for two words, in all rooms', () => measure(subject, () => search(everywhere, 'dela gome'))],
    [
      'members of the large room',
      () =>
        measure(
          subject,
          () => ({ method: 'GET', path: `${PREFIX}/rooms/${room}/members`, token: half.token }),
          3,
        ),
    ],
    [
      'joined members of the large room',
      () =>
        measure(
          subject,
          () => ({ method: 'GET', path: `${PREFIX}/rooms/${room}/joined_members`, token: half.token }),
          3,
        ),
    ],
    [
      'leave and join the large room',
      async () => {
        const leave = json('POST', `/rooms/${room}/leave`, once, {})
        return measure(subject, async () => {
          await call(connection, leave)
          return json('POST', `/join/${room}`, once, {})
        })
      },
    ],
    [
      'a receipt in the large room',
      async () => {
        const sent = await call(connection, send(subject))
        return measure(subject, async () =>
          json(
            'POST',
            `/rooms/${room}/receipt/m.read/${encodeURIComponent(String(sent['event_id']))}`,
            once,
            {},
          ),
        )
      },
    ],
    [
      'keys of 400 users',
      () =>
        measure(subject, () =>
          json('POST', '/keys/query', half, {
            device_keys: Object.fromEntries(users(half, 400).map(id => [id, []])),
          }),
        ),
    ],
    [
      'claims of 400 keys',
      () =>
        measure(
          subject,
          () =>
            json('POST', '/keys/claim', half, {
              one_time_keys: Object.fromEntries(
                users(half, 400).map(id => [id, { [DEVICE]: 'signed_curve25519' }]),
              ),
            }),
          3,
        ),
    ],
  ]
}

/** Starts a server on a filled database and measures everything on it. */
const column = async (argument: string, only: string | undefined): Promise<Map<string, string>> => {
  const [directory = '', ...url] = argument.split('=')
  const port = await freePort()
  const program = resolve(import.meta.dirname, '../bin/tessera.js')
  const begun = performance.now()
  const started = await spawnServer(
    `exec '${process.execPath}' '${program}' serve`,
    `http://127.0.0.1:${port}`,
    {
      TESSERA_DATA: resolve(directory),
      PORT: String(port),
      TESSERA__RATE_LIMITS__ENABLED: 'false',
      TESSERA__LOGGING__LEVEL: 'error',
      // They do not exist.
      TESSERA__FEDERATION__DENY_SERVERS: '["*.example"]',
      ...(url.length === 0 ? {} : { TESSERA__DATABASE__URL: url.join('=') }),
    },
  )
  const rows = new Map<string, string>()
  try {
    const wall = performance.now() - begun
    const { Connection } = await import('./connection.ts')
    const connection = new Connection(started.url)
    await pause(SETTLE_SECONDS)
    const figure = { cpu: cpuOf(started.pid), wall }
    rows.set('start', text(figure))
    rows.set('memory at rest, MB', ((processUsage([started.pid])?.residentBytes ?? 0) / 2 ** 20).toFixed(0))
    const [once, half, everywhere] = [
      await logIn(connection, 'once'),
      await logIn(connection, 'half'),
      await logIn(connection, 'everywhere'),
    ]
    const alias = encodeURIComponent(`#room0:${half.userId.slice(half.userId.indexOf(':') + 1)}`)
    const found = await call(connection, { method: 'GET', path: `${PREFIX}/directory/room/${alias}` })
    const largeRoom = String(found['room_id'])
    const subject = { pid: started.pid, connection, once, half, everywhere, largeRoom, transaction: 0 }
    for (const [what, run] of scenarios(subject)) {
      if (only !== undefined && !new RegExp(only).test(what)) continue
      process.stderr.write(`${argument}: ${what}\n`)
      rows.set(what, text(await run()))
    }
    rows.set(
      'memory in the end, MB',
      ((processUsage([started.pid])?.residentBytes ?? 0) / 2 ** 20).toFixed(0),
    )
    connection.close()
  } finally {
    await started.stop()
  }
  return rows
}

const text = ({ cpu, wall }: Figure): string => `${wall.toFixed(1)} (${cpu.toFixed(1)})`

const [only, given] = process.argv[2]?.startsWith('--only=')
  ? [process.argv[2].slice('--only='.length), process.argv.slice(3)]
  : [undefined, process.argv.slice(2)]
const columns: Map<string, string>[] = []
for (const argument of given) columns.push(await column(argument, only))
const names = [...new Set(columns.flatMap(rows => [...rows.keys()]))]
console.log(`| ms: median (CPU) | ${given.map(argument => argument.split(/[/=]/).at(-1)).join(' | ')} |`)
console.log(`|---|${given.map(() => '---:').join('|')}|`)
for (const name of names)
  console.log(`| ${name} | ${columns.map(rows => rows.get(name) ?? '').join(' | ')} |`)
