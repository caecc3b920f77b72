/** The whole server as it is shipped, on a free port, for tests that talk HTTP to all of it. */
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDirectory } from '../config/data-directory.ts'
import { defaultConfig } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import type { Clock } from '../core/clock.ts'
import { type Log, silentLog } from '../core/log.ts'
import { createServer } from '../server.ts'
import type { DatabaseConfig } from '../storage/open.ts'
import { createTestClient, type TestClient } from './http.ts'
import { stateOf } from './stall-state.ts'
import { sqliteTemplate } from './templates.ts'
import { describingStalls, waitingFor } from './waiting.ts'

export interface TestServerOptions {
  readonly serverName?: string
  /** A migrated database; by default an SQLite database of the server's own. */
  readonly database?: DatabaseConfig
  /** Time; by default that of the machine. */
  readonly clock?: Clock
  readonly log?: Log
  /** Where it keeps what it has; by default in a directory of its own that goes with it. */
  readonly directory?: string
  /** Further settings, as in the settings file; sections replace those that make this a test server. */
  readonly settings?: object
}

/** An account with its first device. */
export interface TestAccount {
  readonly userId: string
  readonly accessToken: string
  readonly deviceId: string
}

/** Its `request` holds every response against the official schemas. */
export interface RunningTestServer extends TestClient {
  readonly url: string
  readonly serverName: string
  /** Makes an account; its password is `TEST_PASSWORD` unless another is given. */
  register(username: string, password?: string): Promise<TestAccount>
  /** Logs an account in on one more device. */
  login(username: string, password?: string): Promise<TestAccount>
  /** Stops it as a signal would, and removes what it has stored unless its directory was given. */
  close(): Promise<void>
}

export const TEST_PASSWORD = 'correct horse battery staple'

const CHEAP_HASHING = { memory: '8K', iterations: 1 }

/**
 * Starts a server with open registration, passwords that cost next to nothing, no rate limits and a log that nobody
 * reads, over an empty database that was migrated once for all tests.
 */
export const startTestServer = async (options: TestServerOptions = {}): Promise<RunningTestServer> => {
  const { serverName = 'localhost', log = silentLog } = options
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'tessera-'))
  const settings = {
    server_name: serverName,
    data_directory: directory,
    listeners: [{ port: 0, host: '127.0.0.1' }],
    registration: { mode: 'open' },
    passwords: { hashing: CHEAP_HASHING },
    rate_limits: { enabled: false },
    ...options.settings,
  }
  // Under the name of some settings file, so that none is written; before a database is there, which would need its key.
  prepareDataDirectory(defaultConfig(directory, settings), 'test')
  const config = defaultConfig(directory, {
    ...settings,
    ...(options.database === undefined ? {} : { database: { url: databaseUrl(options.database) } }),
  })
  const location = databaseLocation(config)
  if (options.database === undefined && location.kind === 'sqlite' && !existsSync(location.path)) {
    copyFileSync(await sqliteTemplate(), location.path, constants.COPYFILE_FICLONE)
  }
  const server = await createServer(config, {
    log,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.database?.kind === 'postgres' && { connect: options.database.connect }),
  })
  const {
    urls: [url = ''],
  } = await server.listen()
  const post = poster(url)
  const stopDescribing = describingStalls(async () => `${serverName}: ${await stateOf(location)}`)
  return {
    ...createTestClient(url),
    url,
    serverName,
    register: (username, password = TEST_PASSWORD) =>
      post('register', { username, password, auth: { type: 'm.login.dummy' } }),
    login: (username, password = TEST_PASSWORD) =>
      post('login', {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: username },
        password,
      }),
    close: async () => {
      await waitingFor(`the end of ${serverName}`, server.close())
      stopDescribing()
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true })
    },
  }
}

const databaseUrl = (database: DatabaseConfig): string =>
  database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url

const poster =
  (url: string) =>
  async (operation: 'register' | 'login', body: object): Promise<TestAccount> => {
    const answer = fetch(`${url}/_matrix/client/v3/${operation}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const response = await waitingFor(operation, answer)
    if (!response.ok) throw new Error(`${operation} answered ${response.status}: ${await response.text()}`)
    const session = (await response.json()) as { user_id: string; access_token: string; device_id: string }
    return { userId: session.user_id, accessToken: session.access_token, deviceId: session.device_id }
  }
