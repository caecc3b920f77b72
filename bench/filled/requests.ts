import { formatStreamToken, parseStreamToken } from '../../src/core/stream-token.ts'
import { backendsOf } from '../backends.ts'
import type { Connection, RequestParts } from '../connection.ts'
import {
  type Account,
  call,
  createRoom,
  describe,
  messagesRequest,
  nextBatch,
  sendRequest,
  syncRequest,
} from '../matrix.ts'
import { processUsage } from '../process-usage.ts'
import { median } from '../statistics.ts'
import { DEVICE, PASSWORD } from './world.ts'

export const PREFIX = '/_matrix/client/v3'
const ROUNDS = 20

export interface Figure {
  /** CPU of all threads of the server, milliseconds for each request. */
  readonly cpu: number
  /** The same of its connections to a database that is a process of its own. */
  readonly databaseCpu: number
  /** Median, milliseconds. */
  readonly wall: number
}

/** A running server and the accounts that are compared. */
export interface Subject {
  readonly pid: number
  /** Of a database that is a process of its own. */
  readonly databaseUrl: string | undefined
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

export const logIn = async (connection: Connection, user: string): Promise<Account> => {
  const identifier = { type: 'm.id.user', user }
  const body = { type: 'm.login.password', identifier, password: PASSWORD, device_id: DEVICE }
  const answer = await call(connection, json('POST', '/login', undefined, body))
  return { userId: String(answer['user_id']), token: String(answer['access_token']) }
}

type Cpu = Pick<Figure, 'cpu' | 'databaseCpu'>

/** Used so far. */
export const cpuOf = ({ pid, databaseUrl }: Pick<Subject, 'pid' | 'databaseUrl'>): Cpu => {
  const of = (pids: readonly number[]) => (processUsage(pids)?.cpuSeconds ?? 0) * 1000
  return { cpu: of([pid]), databaseCpu: of(backendsOf(databaseUrl)) }
}

/** For each of so many requests since then. */
const cpuSince = (subject: Subject, before: Cpu, requests: number): Cpu => {
  const now = cpuOf(subject)
  return {
    cpu: (now.cpu - before.cpu) / requests,
    databaseCpu: (now.databaseCpu - before.databaseCpu) / requests,
  }
}

/** Asks so many times, one after the other; each answer must be a good one. */
const measure = async (
  subject: Subject,
  requests: (round: number) => RequestParts | Promise<RequestParts>,
  rounds = ROUNDS,
): Promise<Figure> => {
  const times: number[] = []
  const before = cpuOf(subject)
  for (let round = 0; round < rounds; round++) {
    const parts = await requests(round)
    const since = performance.now()
    const response = await subject.connection.request(parts)
    times.push(performance.now() - since)
    if (response.status !== 200) throw new Error(describe(parts, response))
  }
  return { ...cpuSince(subject, before, rounds), wall: median(times) ?? 0 }
}

const send = (subject: Subject, account = subject.half, roomId = subject.largeRoom): RequestParts =>
  sendRequest(account, roomId, `grown${Date.now()}.${subject.transaction++}`, 1)

/** The cost of a sync that has one message of the large room to tell, without that of sending the message. */
const news = async (subject: Subject, account: Account, sending: Figure): Promise<Figure> => {
  const { connection } = subject
  const filter = { room: { timeline: { limit: 10 } } }
  const first = await connection.request(syncRequest(account, { filter: { room: { rooms: [] } } }))
  let since = nextBatch(first.body.toString())
  const times: number[] = []
  const before = cpuOf(subject)
  for (let round = 0; round < 3 * ROUNDS; round++) {
    await call(connection, send(subject))
    const started = performance.now()
    const answer = await connection.request(syncRequest(account, { since, filter, timeout: 1000 }))
    times.push(performance.now() - started)
    since = nextBatch(answer.body.toString())
  }
  const { cpu, databaseCpu } = cpuSince(subject, before, 3 * ROUNDS)
  return {
    cpu: cpu - sending.cpu,
    databaseCpu: databaseCpu - sending.databaseCpu,
    wall: median(times) ?? 0,
  }
}

type Measured = readonly (readonly [what: string, figure: () => Promise<Figure>])[]

export const scenarios = (subject: Subject): Measured => {
  const { once, half, everywhere, largeRoom, connection } = subject
  let sending: Figure = { cpu: 0, databaseCpu: 0, wall: 0 }
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
