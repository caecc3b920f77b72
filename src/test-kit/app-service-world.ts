import type { ExecutionContext } from 'ava'
import { registrations, ScriptedAppService } from './app-service.ts'
import { FakeClock } from './fake-clock.ts'
import { type Person, registerPerson } from './person.ts'
import { type RunningTestServer, startTestServer, type TestServerOptions } from './server.ts'

/** A JSON object. */
export type Json = Record<string, unknown>

const TOKEN = 'as-secret'
/** The service's own user. */
export const BOT = '@bridge:localhost'
/** One of the users that it may act for. */
export const GHOST = '@_irc_ghost:localhost'

/** A server with an application service, and a user of its own. */
export interface World {
  readonly service: ScriptedAppService
  readonly server: RunningTestServer
  readonly alice: Person
  readonly clock: FakeClock
  /** A request of the service, for itself or for one of its users. */
  act(
    method: string,
    path: string,
    json?: unknown,
    userId?: string,
  ): Promise<{ status: number; body: Json; code: string }>
}

/** The registration of the service at a URL. */
export const registration = (url: string): Json => ({
  id: 'irc',
  url,
  as_token: TOKEN,
  hs_token: 'hs-secret',
  sender_localpart: 'bridge',
  receive_ephemeral: true,
  'org.matrix.msc3202': true,
  rate_limited: false,
  protocols: ['irc'],
  namespaces: {
    users: [{ exclusive: true, regex: '@_irc_.*:localhost' }],
    aliases: [{ exclusive: true, regex: '#_irc_.*:localhost' }],
    rooms: [],
  },
})

/** Starts them. */
export const startWorld = async (t: ExecutionContext, options: TestServerOptions = {}): Promise<World> => {
  const service = await ScriptedAppService.start(t)
  const clock = new FakeClock()
  const directory = registrations(t, registration(service.url))
  const server = await startTestServer({
    clock,
    settings: { application_services: { directory } },
    ...options,
  })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const act: World['act'] = async (method, path, json, userId) => {
    const target = path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`
    const query =
      userId === undefined ? '' : `${target.includes('?') ? '&' : '?'}user_id=${encodeURIComponent(userId)}`
    const { status, body } = await server.request(method, `${target}${query}`, {
      token: TOKEN,
      ...(json === undefined ? {} : { json }),
    })
    return { status, body: body as Json, code: `${status} ${(body as Json)['errcode'] ?? '-'}` }
  }
  return { service, server, alice, clock, act }
}

/** Registers a user of the service's. */
export const registerGhost = ({ act }: World, username = '_irc_ghost') =>
  act('POST', '/register', { type: 'm.login.application_service', username, inhibit_login: true })
