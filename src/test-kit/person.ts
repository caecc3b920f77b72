/** People who use a test server over HTTP, each with an account of their own. */
import type { RunningTestServer, TestAccount } from './server.ts'

type Json = Record<string, unknown>

/** One of them. What they do has to succeed, except through `request`. */
export interface Person {
  readonly userId: string
  readonly accessToken: string
  /** Any request; paths without a prefix are those of `/_matrix/client/v3`. */
  request(method: string, path: string, json?: unknown): Promise<{ status: number; body: Json }>
  /** The body of a successful answer. */
  get(path: string): Promise<Json>
  post(path: string, json?: unknown): Promise<Json>
  put(path: string, json?: unknown): Promise<Json>
  /** Status and error code, such as `403 M_FORBIDDEN`; `200 -` where there is no error. */
  code(method: string, path: string, json?: unknown): Promise<string>
  createRoom(options?: Json): Promise<string>
  /** Creates a public room. */
  createOpenRoom(options?: Json): Promise<string>
  join(roomIdOrAlias: string): Promise<void>
  leave(roomId: string): Promise<void>
  invite(roomId: string, userId: string): Promise<void>
  /** Sends an event and answers its ID. */
  send(roomId: string, type: string, content: Json): Promise<string>
  /** Sends a text message, with what else its content shall hold. */
  say(roomId: string, body: string, more?: Json): Promise<string>
  setState(roomId: string, type: string, content: Json, stateKey?: string): Promise<string>
  redact(roomId: string, eventId: string): Promise<void>
}

let transactions = 0

/** A message has a type and a text (module "Instant Messaging"): tests that are about something else need not name them. */
export const asMessage = (content: object): Json => ({ msgtype: 'm.text', body: 'x', ...content })

/** Makes an account on a test server. */
export const registerPerson = async (server: RunningTestServer, username: string): Promise<Person> =>
  personOf(server, await server.register(username))

/** Makes accounts for Alice and Bob. */
export const aliceAndBob = async (server: RunningTestServer): Promise<{ alice: Person; bob: Person }> => {
  const [alice, bob] = await Promise.all([registerPerson(server, 'alice'), registerPerson(server, 'bob')])
  return { alice, bob }
}

/** Whoever has an account on a test server, such as one that was made before the server was started anew. */
export const personOf = (
  server: RunningTestServer,
  { userId, accessToken }: Pick<TestAccount, 'userId' | 'accessToken'>,
): Person => {
  const request: Person['request'] = async (method, path, json) => {
    const target = path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`
    const options = { token: accessToken, ...(json === undefined ? {} : { json }) }
    const { status, body } = await server.request(method, target, options)
    return { status, body: body as Json }
  }
  const succeed = async (method: string, path: string, json?: unknown): Promise<Json> => {
    const { status, body } = await request(method, path, json)
    if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`)
    return body
  }
  const room = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`
  const post: Person['post'] = (path, json = {}) => succeed('POST', path, json)
  const put: Person['put'] = (path, json = {}) => succeed('PUT', path, json)
  const send: Person['send'] = async (roomId, type, content) => {
    const body = type === 'm.room.message' ? asMessage(content) : content
    const { event_id: eventId } = await put(`${room(roomId)}/send/${type}/t${transactions++}`, body)
    return String(eventId)
  }
  const createRoom: Person['createRoom'] = async (options = {}) =>
    String((await post('/createRoom', options))['room_id'])
  return {
    userId,
    accessToken,
    request,
    get: path => succeed('GET', path),
    post,
    put,
    code: async (method, path, json) => {
      const { status, body } = await request(method, path, json)
      return `${status} ${String(body['errcode'] ?? '-')}`
    },
    createRoom,
    createOpenRoom: (options = {}) => createRoom({ preset: 'public_chat', ...options }),
    join: async roomIdOrAlias => void (await post(`/join/${encodeURIComponent(roomIdOrAlias)}`)),
    leave: async roomId => void (await post(`${room(roomId)}/leave`)),
    invite: async (roomId, user) => void (await post(`${room(roomId)}/invite`, { user_id: user })),
    send,
    say: (roomId, body, more = {}) => send(roomId, 'm.room.message', { msgtype: 'm.text', body, ...more }),
    setState: async (roomId, type, content, stateKey = '') => {
      const path = `${room(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`
      return String((await put(path, content))['event_id'])
    },
    redact: async (roomId, eventId) =>
      void (await put(`${room(roomId)}/redact/${encodeURIComponent(eventId)}/t${transactions++}`)),
  }
}
