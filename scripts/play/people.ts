import { textIn } from './json.ts'
import type { LiveServer } from './live-server.ts'

/** What a server says to a request; status 0: nothing, since it went away or took too long. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** One place where somebody is signed in. */
export interface Device {
  readonly id: string
  readonly token: string
}

export interface Person {
  readonly id: string
  /** For those who read the trace. */
  readonly label: string
  readonly server: LiveServer
  /** The first is the one that they act by. */
  readonly devices: Device[]
  readonly isGuest: boolean
}

const PATIENCE_MS = 60_000

const send = async (url: string, init: RequestInit): Promise<Answer & { readonly bytes: Buffer }> => {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) })
    const bytes = Buffer.from(await response.arrayBuffer())
    let body: unknown = {}
    try {
      body = JSON.parse(bytes.toString())
    } catch {
      body = { type: response.headers.get('content-type') }
    }
    return { status: response.status, body, bytes }
  } catch (error) {
    return { status: 0, body: { errcode: 'NO_ANSWER', error: String(error) }, bytes: Buffer.alloc(0) }
  }
}

/** Paths without a prefix are those of version 3. */
const urlOf = (server: LiveServer, path: string): string =>
  `${server.url}${path.startsWith('/_') ? '' : '/_matrix/client/v3'}${path}`

/** Asks a server, as a device of somebody's (by default the first), or as nobody. */
export const call = async (
  who: Person | LiveServer,
  method: string,
  path: string,
  body?: object,
  device?: Device,
): Promise<Answer> => {
  const [server, token] =
    'devices' in who ? [who.server, (device ?? who.devices[0])?.token] : [who, undefined]
  const { status, body: answer } = await send(urlOf(server, path), {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status, body: answer }
}

/** The same with a file for an answer, or to be sent. */
export const transfer = (
  who: Person,
  path: string,
  file?: Uint8Array<ArrayBuffer>,
): ReturnType<typeof send> =>
  send(urlOf(who.server, path), {
    method: file === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${who.devices[0]?.token}`,
      ...(file !== undefined && { 'content-type': 'image/png' }),
    },
    ...(file !== undefined && { body: file }),
  })

const passwordOf = (label: string): string => `${label} likes tea`

/** Makes an account with one device. */
export const register = async (server: LiveServer, label: string): Promise<Person> => {
  const { body } = await call(server, 'POST', '/register', {
    username: label,
    password: passwordOf(label),
    auth: { type: 'm.login.dummy' },
  })
  return personOf(server, label, body, false)
}

export const registerGuest = async (server: LiveServer, label: string): Promise<Person> =>
  personOf(server, label, (await call(server, 'POST', '/register?kind=guest', {})).body, true)

/** Signs in once more, with a device that `devices` names from then on. */
export const logIn = async (who: Person): Promise<Answer> => {
  const answer = await call(who.server, 'POST', '/login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: who.id },
    password: passwordOf(who.label),
  })
  if (answer.status === 200) who.devices.push(deviceIn(answer.body))
  return answer
}

const deviceIn = (body: unknown): Device => ({
  id: textIn(body, 'device_id'),
  token: textIn(body, 'access_token'),
})

const personOf = (server: LiveServer, label: string, body: unknown, isGuest: boolean): Person => {
  const id = textIn(body, 'user_id')
  if (id === '') throw new Error(`${server.label} registers nobody: ${JSON.stringify(body)}`)
  return { id, label, server, devices: [deviceIn(body)], isGuest }
}
