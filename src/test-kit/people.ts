/** People who use a server over HTTP as clients do: registering, talking, syncing. */
import type { ExecutionContext, TestFn } from 'ava'
import { keepDatabases, lendPostgresDatabase } from './kept-postgres.ts'
import { asMessage } from './person.ts'
import type { RunningTestServer, TestAccount, TestServerOptions } from './server.ts'
import { startTestServer } from './server.ts'
import { databasesFor } from './which-databases.ts'

/** An event as a client gets it. */
export interface ShownEvent {
  readonly type: string
  readonly sender: string
  readonly event_id: string
  readonly state_key?: string
  readonly origin_server_ts: number
  readonly content: Readonly<Record<string, unknown>>
  readonly unsigned?: Readonly<Record<string, unknown>>
}

interface Events {
  readonly events: readonly ShownEvent[]
}

/** A room in a response of `/sync`. */
export interface ShownRoom {
  readonly timeline: Events & { readonly limited: boolean; readonly prev_batch: string }
  readonly state?: Events
  readonly state_after?: Events
  readonly 'org.matrix.msc4222.state_after'?: Events
  readonly account_data?: Events
  readonly ephemeral?: Events
  readonly summary?: Readonly<Record<string, unknown>>
  readonly unread_notifications?: Readonly<Record<'notification_count' | 'highlight_count', number>>
}

export interface SyncBody {
  readonly next_batch: string
  readonly account_data?: Events
  readonly rooms?: {
    readonly join?: Readonly<Record<string, ShownRoom>>
    readonly leave?: Readonly<Record<string, ShownRoom>>
    readonly invite?: Readonly<Record<string, { readonly invite_state: Events }>>
    readonly knock?: Readonly<Record<string, { readonly knock_state: Events }>>
  }
}

export interface PageBody {
  readonly chunk: readonly ShownEvent[]
  readonly start: string
  readonly end?: string
  readonly state?: readonly ShownEvent[]
}

export interface SyncParameters {
  readonly since?: string | undefined
  readonly filter?: object | string
  readonly timeout?: number
  readonly full_state?: boolean
  readonly use_state_after?: boolean
  readonly 'org.matrix.msc4222.use_state_after'?: boolean
}

/** A refusal of the server. */
export class Refused extends Error {
  readonly code: string
  constructor(status: number, body: { errcode?: string; error?: string }) {
    super(`${status} ${body.errcode}: ${body.error}`)
    this.code = `${status} ${body.errcode}`
  }
}

/** Somebody with one device. */
export class Person {
  readonly server: RunningTestServer
  readonly account: TestAccount
  #transactions = 0

  constructor(server: RunningTestServer, account: TestAccount) {
    this.server = server
    this.account = account
  }

  get userId(): string {
    return this.account.userId
  }

  /** Asks under `/_matrix/client/v3`. Throws `Refused`. */
  async api<T = Record<string, string>>(method: string, path: string, json?: unknown): Promise<T> {
    const token = this.account.accessToken
    const options = { token, ...(json === undefined ? {} : { json }) }
    const { status, body } = await this.server.request(method, `/_matrix/client/v3${path}`, options)
    if (status >= 400) throw new Refused(status, body as object)
    return body as T
  }

  sync(parameters: SyncParameters = {}): Promise<SyncBody> {
    return this.api('GET', `/sync?${query({ ...parameters })}`)
  }

  messages(roomId: string, parameters: Readonly<Record<string, unknown>>): Promise<PageBody> {
    return this.api('GET', `/rooms/${encodeURIComponent(roomId)}/messages?${query(parameters)}`)
  }

  async createRoom(settings: object = {}): Promise<string> {
    return (await this.api('POST', '/createRoom', settings))['room_id'] ?? ''
  }

  /** `join`, `leave`, `forget`; with somebody else `invite`, `kick`, `ban`, `unban`. */
  async change(what: string, roomId: string, other?: Person, more: object = {}): Promise<void> {
    const body = other === undefined ? more : { user_id: other.userId, ...more }
    await this.api('POST', `/rooms/${encodeURIComponent(roomId)}/${what}`, body)
  }

  /** Sends a text, or content of another type; answers the event ID. */
  async send(roomId: string, content: string | object, type = 'm.room.message'): Promise<string> {
    const txnId = `${this.account.deviceId}-${this.#transactions++}`
    const said = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content
    const body = type === 'm.room.message' ? asMessage(said) : said
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${encodeURIComponent(type)}/${txnId}`
    return (await this.api('PUT', path, body))['event_id'] ?? ''
  }

  async setState(roomId: string, type: string, content: object, stateKey = ''): Promise<string> {
    const path = `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`
    return (await this.api('PUT', path, content))['event_id'] ?? ''
  }

  async redact(roomId: string, eventId: string): Promise<string> {
    const txnId = `r${this.#transactions++}`
    const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/${txnId}`
    return (await this.api('PUT', path, {}))['event_id'] ?? ''
  }

  async setAccountData(type: string, content: object, roomId?: string): Promise<void> {
    const room = roomId === undefined ? '' : `/rooms/${encodeURIComponent(roomId)}`
    await this.api('PUT', `/user/${encodeURIComponent(this.userId)}${room}/account_data/${type}`, content)
  }
}

const query = (parameters: Readonly<Record<string, unknown>>): string =>
  new URLSearchParams(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
  ).toString()

let people = 0

/** Registers somebody new. */
export const newPerson = async (server: RunningTestServer, name = 'user'): Promise<Person> =>
  new Person(server, await server.register(`${name}${people++}`))

/** A test that talks to a whole server. */
export type ServerTest = (t: ExecutionContext, server: RunningTestServer) => Promise<void>

interface Started {
  readonly server: RunningTestServer
  end(): Promise<void>
}

/**
 * Answers what declares such tests, for every kind of database, or one; the tests of a file share one server of each.
 * Which, and how PostgreSQL is found, is as in `testDatabases`.
 */
export const serverTests = (
  test: TestFn,
  options: TestServerOptions = {},
): ((name: string, body: ServerTest) => void) => {
  const url = process.env['TESSERA_TEST_POSTGRES']
  const sqlite = sharedOnSqlite(options)
  if (url !== undefined) keepDatabases(test)
  const postgres = shared(async () => {
    const lent = await lendPostgresDatabase(url ?? '')
    const server = await startTestServer({
      ...options,
      database: { kind: 'postgres', url: lent.url, connect: lent.connect },
    })
    const end = async () => {
      await server.close()
      await lent.giveBack()
    }
    return { server, end }
  })
  test.after.always(async () => {
    await Promise.all([sqlite.end(), postgres.end()])
  })
  return (name, body) => {
    const kinds = databasesFor(name)
    if (kinds.includes('sqlite')) test(`sqlite: ${name}`, sqlite.using(body))
    if (!kinds.includes('postgres')) return
    const title = `postgres: ${name}`
    if (url !== undefined) test(title, postgres.using(body))
    else if (process.env['CI'] === undefined) test.skip(title, t => t.pass())
    else test(title, t => t.fail('PostgreSQL is missing: TESSERA_TEST_POSTGRES is not set'))
  }
}

/** The same over SQLite alone, for what databases have no part in. */
export const sqliteServerTests = (test: TestFn): ((name: string, body: ServerTest) => void) => {
  const sqlite = sharedOnSqlite()
  test.after.always(sqlite.end)
  return (name, body) => test(name, sqlite.using(body))
}

const sharedOnSqlite = (options: TestServerOptions = {}) =>
  shared(async () => {
    const server = await startTestServer(options)
    return { server, end: server.close }
  })

/** Started when the first test needs it, and ended with the last: a server that idles has its leases to renew. */
const shared = (start: () => Promise<Started>) => {
  let started: Promise<Started> | undefined
  let left = 0
  const end = async (): Promise<void> => {
    const ending = started
    started = undefined
    await (await ending)?.end()
  }
  return {
    /** The implementation of one more test. */
    using: (body: ServerTest) => {
      left += 1
      return async (t: ExecutionContext): Promise<void> => {
        // The first to be registered is the last to run.
        t.teardown(async () => {
          left -= 1
          if (left === 0) await end()
        })
        started ??= start()
        await body(t, (await started).server)
      }
    },
    end,
  }
}
