import { registerAdmin } from './admin.ts'
import { codeOf } from './http.ts'
import {
  type RunningTestServer,
  startTestServer,
  type TestAccount,
  type TestServerOptions,
} from './server.ts'

const SECRET = 'shared'

/** What tests read of answers. */
export type AdminAnswer = Readonly<Record<string, unknown>>

/** A server with an administrator. */
export interface AdministeredServer {
  readonly server: RunningTestServer
  readonly root: TestAccount
  /** Asks `/_synapse/admin` as the administrator; answers the body, or what was refused, such as `404 M_NOT_FOUND`. */
  ask(method: string, path: string, json?: object): Promise<AdminAnswer | string>
}

/** Starts a server, and makes its administrator `@root`. */
export const startAdministered = async (options: TestServerOptions = {}): Promise<AdministeredServer> => {
  const settings = { registration: { mode: 'open', shared_secret: SECRET }, ...options.settings }
  const server = await startTestServer({ ...options, settings })
  const root = await registerAdmin(server, 'root', SECRET)
  return {
    server,
    root,
    ask: async (method, path, json) => {
      const body = json === undefined ? {} : { json }
      const target = `/_synapse/admin${path}`
      const answer = await server.request(method, target, { token: root.accessToken, ...body })
      return answer.status >= 400 ? codeOf(answer) : (answer.body as AdminAnswer)
    },
  }
}

/** Starts it once for all tests of a file. */
export const sharedAdministered = (): {
  started(): Promise<AdministeredServer>
  close(): Promise<void>
} => {
  let running: Promise<AdministeredServer> | undefined
  return {
    started: () => {
      running ??= startAdministered()
      return running
    },
    close: async () => (await running)?.server.close(),
  }
}
