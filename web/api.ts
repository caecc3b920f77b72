import { words } from './words.ts'

/** A JSON object. */
export type Json = { readonly [key: string]: unknown }

/** Who is signed in, as it is kept in the browser. */
export interface Session {
  readonly userId: string
  readonly accessToken: string
  readonly deviceId: string
}

/** The server refused, in its own words. */
export class ApiError extends Error {
  readonly status: number
  readonly errcode: string
  readonly body: Json
  constructor(status: number, body: Json) {
    super(text(body['error']) ?? words.answered(status))
    this.status = status
    this.errcode = text(body['errcode']) ?? 'M_UNKNOWN'
    this.body = body
  }
}

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : [])

const OWN = '/_matrix/client/v1/chat.tessera'
/** After so long a request is given up: the connection may have gone without a word. */
const PATIENCE_MS = 60_000
const STANDARD = '/_matrix/client/v3'

/** A path with its parts percent-encoded. */
export const path = (parts: TemplateStringsArray, ...values: readonly string[]): string =>
  parts.map((part, index) => part + encodeURIComponent(values[index] ?? '')).join('')

/** Requests to the server, as a user. Paths are below `/_matrix/client/v3`; those of `own`, below our extensions. */
export class Api {
  readonly session: Session | undefined
  /** Called when the session has ended. */
  onEnded: () => void = () => undefined

  constructor(session?: Session) {
    this.session = session
  }

  get(where: string, signal?: AbortSignal): Promise<Json> {
    return this.#call('GET', `${STANDARD}${where}`, undefined, signal)
  }

  post(where: string, body: Json = {}): Promise<Json> {
    return this.#call('POST', `${STANDARD}${where}`, body)
  }

  put(where: string, body: Json = {}): Promise<Json> {
    return this.#call('PUT', `${STANDARD}${where}`, body)
  }

  own(method: 'GET' | 'PUT' | 'POST' | 'DELETE', where: string, body?: Json): Promise<Json> {
    return this.#call(method, `${OWN}${where}`, body)
  }

  /** Gives the server a file to keep, and answers its address (`mxc:`). */
  async upload(file: File): Promise<string | undefined> {
    const query = new URLSearchParams({ filename: file.name })
    return text((await this.#call('POST', `/_matrix/media/v3/upload?${query}`, file))['content_uri'])
  }

  /** An ID for a request that must not be done twice; tabs of one session have none in common. */
  transactionId(): string {
    return `web.${Date.now()}.${Math.random().toString(36).slice(2)}`
  }

  /** A picture that only members may see, as an address that an image can show; `undefined` if there is none. */
  async picture(where: string): Promise<string | undefined> {
    try {
      const response = await fetch(where, { headers: this.#headers() })
      return response.ok ? URL.createObjectURL(await response.blob()) : undefined
    } catch {
      // The connection may also break in the middle of it.
      return undefined
    }
  }

  #headers(): Record<string, string> {
    return this.session === undefined ? {} : { authorization: `Bearer ${this.session.accessToken}` }
  }

  async #call(method: string, where: string, body?: Json | Blob, signal?: AbortSignal): Promise<Json> {
    const response = await fetch(where, {
      method,
      headers: this.#headers(),
      signal: signal ?? AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(words.notReached)
    })
    const answer = await response.json().catch(() => undefined)
    if (response.ok) {
      // Cut short, or not of the server, such as the page of a hotel's network: there is nothing to go by.
      if (answer === undefined) throw new Error(words.notReached)
      return object(answer)
    }
    const error = new ApiError(response.status, object(answer))
    if (error.errcode === 'M_UNKNOWN_TOKEN') this.onEnded()
    throw error
  }
}
