/**
 * What the generator writes down about each operation (`operations.ts`), read by the HTTP pipeline. This file is
 * written by hand; its neighbours are generated from `api-spec` by `npm run spec`.
 */

/** The named rate limits. Each can be changed or switched off in the configuration. */
export const RATE_LIMIT_BUCKETS = [
  'login',
  'register',
  'message',
  'join',
  'invite',
  'create-room',
  'ephemeral',
  'sync',
  'search',
  'account',
  'oauth',
  'keys',
  'upload',
  'download',
  'preview',
  'third-party-token',
  'read',
  'write',
  'public',
  'federation',
  'federation-join',
  'federation-state',
  'admin',
] as const
export type RateLimitBucket = (typeof RATE_LIMIT_BUCKETS)[number]

/** Who may call: follows from the operation's `security`. */
export type Authentication =
  | 'none'
  | 'accessToken'
  | 'optionalAccessToken'
  | 'appServiceToken'
  | 'administratorToken'
  | 'signedRequest'

export const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'] as const
export type Method = (typeof METHODS)[number]

/** How a value of a query string or path becomes typed before it is validated. */
export type Coercion = 'string' | 'optionalString' | 'integer' | 'number' | 'boolean' | 'strings'

export interface Operation {
  readonly operationId: string
  readonly method: Method
  /** Full paths with `{parameters}`: the current one first, then those of older versions. */
  readonly paths: readonly [string, ...string[]]
  readonly authentication: Authentication
  readonly rateLimit: RateLimitBucket
  /** `json`: parsed and validated; `stream`: handed over unread; `none`: ignored. */
  readonly body: 'json' | 'stream' | 'none'
  /** Whether an empty body is an error; if not, it reads as `{}`. */
  readonly bodyRequired: boolean
  /** Largest JSON body in bytes. */
  readonly bodyLimit: number
  readonly userInteractive: boolean
  readonly guest: 'allow' | 'refuse'
  /** `handler`: the handler judges by what is asked. */
  readonly whenSuspended: 'allow' | 'refuse' | 'handler'
  readonly whenLocked: 'allow' | 'refuse'
  /** The last path parameter, where the path may also end before it. It then is the empty string. */
  readonly mayBeEmpty?: string
  readonly query: Readonly<Record<string, Coercion>>
  /** Values of query parameters that are absent. */
  readonly queryDefaults?: Readonly<Record<string, string | number | boolean>>
  readonly path: Readonly<Record<string, Coercion>>
}
