import type { JsonObject } from './json.ts'

/** The standard error codes (client-server API, "Standard error response"), with the HTTP status each usually has. */
export const STATUS_OF_ERRCODE = {
  M_FORBIDDEN: 403,
  M_UNKNOWN_TOKEN: 401,
  M_MISSING_TOKEN: 401,
  M_USER_LOCKED: 401,
  M_USER_SUSPENDED: 403,
  M_USER_DEACTIVATED: 403,
  M_UNAUTHORIZED: 401,
  M_BAD_JSON: 400,
  M_NOT_JSON: 400,
  M_NOT_FOUND: 404,
  M_LIMIT_EXCEEDED: 429,
  M_UNRECOGNIZED: 404,
  M_UNKNOWN_POS: 400,
  M_UNKNOWN: 500,
  M_USER_IN_USE: 400,
  M_INVALID_USERNAME: 400,
  M_ROOM_IN_USE: 400,
  M_INVALID_ROOM_STATE: 400,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_INCOMPATIBLE_ROOM_VERSION: 400,
  M_BAD_STATE: 400,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_MISSING_PARAM: 400,
  M_INVALID_PARAM: 400,
  M_TOO_LARGE: 413,
  M_EXCLUSIVE: 400,
  M_RESOURCE_LIMIT_EXCEEDED: 403,
  M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
  M_THREEPID_IN_USE: 400,
  M_THREEPID_NOT_FOUND: 404,
  M_THREEPID_AUTH_FAILED: 400,
  M_THREEPID_DENIED: 403,
  M_THREEPID_MEDIUM_NOT_SUPPORTED: 400,
  M_SERVER_NOT_TRUSTED: 400,
  M_UNABLE_TO_AUTHORISE_JOIN: 400,
  M_UNABLE_TO_GRANT_JOIN: 400,
  /** MSC3895: we lack the members of a room, and with them the means to judge a request. */
  M_UNABLE_DUE_TO_PARTIAL_STATE: 403,
  M_WEAK_PASSWORD: 400,
  M_USER_LIMIT_EXCEEDED: 403,
  M_DUPLICATE_ANNOTATION: 400,
  M_PROFILE_TOO_LARGE: 400,
  M_KEY_TOO_LARGE: 400,
  M_INVALID_SIGNATURE: 400,
  M_WRONG_ROOM_KEYS_VERSION: 403,
  M_INVITE_BLOCKED: 403,
  M_BAD_ALIAS: 400,
  M_UNKNOWN_DEVICE: 400,
  M_URL_NOT_SET: 400,
  M_BAD_STATUS: 502,
  M_CONNECTION_FAILED: 502,
  M_CONNECTION_TIMEOUT: 504,
  M_TOO_MANY_REQUESTS: 429,
  M_NOT_YET_UPLOADED: 504,
  M_CANNOT_OVERWRITE_MEDIA: 409,
  /** "should be used instead of `M_CONCURRENT_WRITE`" (MSC4388, "Unstable prefix"). */
  IO_ELEMENT_MSC4388_CONCURRENT_WRITE: 409,
  // MSC4306.
  'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD': 400,
  'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION': 409,
} as const satisfies Record<string, number>

export type Errcode = keyof typeof STATUS_OF_ERRCODE

/**
 * The one error that reaches a client or a peer as it is: `{errcode, error, ...fields}`. Everything else that is
 * thrown is rendered as an opaque `M_UNKNOWN` with status 500 (503 for `NotServing`).
 *
 * Services throw it; `core` never does (a refusal in `core` is a reason, returned).
 */
export class MatrixError extends Error {
  readonly errcode: Errcode
  readonly status: number
  /** Further members of the response body, such as `retry_after_ms` or `soft_logout`. */
  readonly fields: JsonObject
  /** Response headers that go with it, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    errcode: Errcode,
    message: string,
    options: { status?: number; fields?: JsonObject; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MatrixError'
    this.errcode = errcode
    this.status = options.status ?? STATUS_OF_ERRCODE[errcode]
    this.fields = options.fields ?? {}
    this.headers = options.headers ?? {}
  }

  /** The response body. */
  get body(): JsonObject {
    return { ...this.fields, errcode: this.errcode, error: this.message }
  }
}

/** By these a server speaks of the client's own account and session: clients end theirs, and forget their keys. */
const OWN_SESSION: ReadonlySet<unknown> = new Set([
  ...['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_CONSENT_NOT_GIVEN'],
  ...['M_USER_LOCKED', 'M_USER_DEACTIVATED', 'M_USER_SUSPENDED'],
])

/**
 * What another server answered, handed on word for word where the specification asks for that; but no other server says
 * that somebody is logged out of this one, or has to authenticate (401).
 */
export class RelayedError extends MatrixError {
  readonly #body: JsonObject

  /** @param options.body what that server answered, with its `errcode` and `error`. */
  constructor(message: string, options: { status: number; body: JsonObject; cause?: unknown }) {
    const { status, body, cause } = options
    super('M_FORBIDDEN', message, { status: status === 401 ? 400 : status, cause })
    this.#body = OWN_SESSION.has(body['errcode']) ? { errcode: 'M_UNKNOWN', error: message } : body
  }

  override get body(): JsonObject {
    return this.#body
  }
}

/**
 * Somebody outside did not do their part: another server, the network on the way to it, or the database. Where that is `expected`, nothing in this
 * program is at fault, and the log tells the reason without a stack.
 */
export abstract class OutsideError extends Error {
  abstract readonly expected: boolean
}

/** What this server cannot do without does not answer: its database. The same may succeed a little later, or at another of its processes. */
export class NotServing extends OutsideError {
  readonly expected = true
}

/** `M_LIMIT_EXCEEDED` (429): come again in so many milliseconds. */
export const limitExceeded = (waitMs: number): MatrixError =>
  new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', {
    fields: { retry_after_ms: Math.ceil(waitMs) },
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  })
