import type { ExecutionContext } from 'ava'
import { endpoints } from '../api/index.ts'
import { createHttpApp } from '../http/app.ts'
import type { Pages } from '../http/pages.ts'
import type { RateLimitSettings } from '../http/rate-limit.ts'
import type { Mail } from '../network/mailer.ts'
import { Accounts, type AccountsOptions, type AccountsParts } from '../services/accounts/index.ts'
import type { Provider } from '../services/accounts/providers/options.ts'
import type { Services } from '../services/index.ts'
import { ProfileAccess } from '../services/rooms/profile-access.ts'
import type { Database } from '../storage/database.ts'
import { testDatabase } from './database.ts'
import { FakeClock } from './fake-clock.ts'
import { openTestServer, type TestResponse, type TestServer } from './http.ts'

/** The least that argon2 allows. */
export const CHEAP_PASSWORDS = { memoryKib: 8, iterations: 1 }

export const SERVER_NAME = 'tessera.test'
export const PASSWORD = 'correct horse battery'
export const alice = `@alice:${SERVER_NAME}`

/** What of the options a test wants otherwise. */
export type TestAccountsOptions = Omit<Partial<AccountsOptions>, 'serverName'> &
  Partial<Pick<AccountsParts, 'mailer' | 'identityServers' | 'onProviderFailure'>> & {
    /** The providers with which people sign in, on the clock of the accounts. */
    readonly providers?: (clock: FakeClock) => readonly Provider[]
  }

/** Accounts over a database, with time standing still and passwords that cost next to nothing. */
export const testAccounts = (
  database: Database,
  options: TestAccountsOptions = {},
  clock = new FakeClock(),
): { accounts: Accounts; clock: FakeClock; errors: unknown[] } => {
  const passwords = { ...CHEAP_PASSWORDS, ...options.passwords }
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const accounts = new Accounts({
    database,
    clock,
    options: { ...options, serverName: SERVER_NAME, passwords },
    mailer: options.mailer,
    identityServers: options.identityServers,
    providers: options.providers?.(clock),
    onProviderFailure: (provider, reason) => options.onProviderFailure?.(provider, reason),
    onError,
  })
  return { accounts, clock, errors }
}

/** The account services with an account of Alice's. */
export const withAlice = async (...[database, options]: Parameters<typeof testAccounts>) => {
  const parts = testAccounts(database, options)
  await parts.accounts.createUser({ username: 'alice', password: PASSWORD })
  return parts
}

/** Logs Alice in with her password. */
export const logIn = (accounts: Accounts, more: object = {}) =>
  accounts.login.login({ type: 'm.login.password', user: 'alice', password: PASSWORD, ...more })

/** A mailer that keeps what it is given, and the token of the link in the latest. */
export const recordingMailer = () => {
  const mails: Mail[] = []
  return {
    mails,
    send: async (mail: Mail) => void mails.push(mail),
    close: async () => {},
    get token(): string {
      return /\?token=(\S+)/.exec(mails.at(-1)?.text ?? '')?.[1] ?? ''
    },
  }
}

/** The account endpoints behind the real pipeline, without rate limits. */
export const accountServer = async (
  t: ExecutionContext,
  database: Database,
  options: TestAccountsOptions & {
    pages?: (accounts: Accounts, clock: FakeClock) => Pages
    rateLimits?: RateLimitSettings
  } = {},
): Promise<{ server: TestServer; accounts: Accounts; clock: FakeClock }> => {
  const { accounts, clock } = testAccounts(database, options)
  const failures: object[] = []
  const silent = () => {}
  const app = createHttpApp({
    endpoints,
    // Only endpoints that need no more are called.
    services: {
      accounts,
      appServices: { registry: { all: [] } },
      delayedEvents: { capability: {} },
      profileAccess: new ProfileAccess(database, { visibleTo: 'anybody', overFederation: true }),
      wellKnown: {},
    } as unknown as Services,
    authenticate: (token, context) => accounts.authenticate(token, context),
    verifyRequest: () => Promise.reject(new Error('no federation here')),
    log: { debug: silent, info: silent, warn: silent, error: fields => failures.push(fields) },
    clock,
    rateLimits: options.rateLimits ?? {},
    ...(options.pages === undefined ? {} : { pages: options.pages(accounts, clock) }),
  })
  const server = await openTestServer(app)
  t.teardown(async () => {
    await server.close()
    await accounts.close()
    if (failures.length > 0)
      throw new AggregateError(failures.map(fields => (fields as { err?: unknown }).err))
  })
  return { server, accounts, clock }
}

/** A response's body as tests of accounts read it. */
type Body = Record<string, unknown> & {
  readonly session: string
  readonly access_token: string
  readonly device_id: string
  readonly user_id: string
  readonly flows: readonly { readonly stages: readonly string[] }[]
}
export const bodyOf = (response: TestResponse): Body => response.body as Body

/** A server of accounts with open registration, or as `options` say, and short ways to talk to it. */
export const openAccounts = async (
  t: ExecutionContext,
  options: TestAccountsOptions & { rateLimits?: RateLimitSettings } = { registration: { mode: 'open' } },
) => {
  const { server, accounts, clock } = await accountServer(t, await testDatabase(t), options)
  const send = (method: string, path: string, token?: string, json?: unknown) =>
    server.request(method, `/_matrix/client/v3${path}`, {
      ...(json === undefined ? {} : { json }),
      ...(token === undefined ? {} : { token }),
    })
  const post = (path: string, json: unknown, token?: string) => send('POST', path, token, json)
  const register = async (username: string, more: object = {}) =>
    bodyOf(
      await post('/register', { username, password: PASSWORD, auth: { type: 'm.login.dummy' }, ...more }),
    )
  return { server, accounts, clock, post, send, register }
}
