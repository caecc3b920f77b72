import type { RateLimit } from '../core/call-rate.ts'

/** Who makes a request of the client-server API: the owner of an access token, or whom an application service asserts to be. */
export interface Requester {
  readonly userId: string
  /** `undefined` for application services that act without a device. */
  readonly deviceId: string | undefined
  /** Names the access token without being one: equal for requests that came with the same token. */
  readonly tokenId: string
  readonly isGuest: boolean
  /** Whether they administer the server, and may in this session (of a client to which they gave leave to, in the OAuth 2.0 API). */
  readonly isAdmin: boolean
  /** The client to which the user has given the token (the OAuth 2.0 API); what needs interactive authentication is not for it. */
  readonly oauthClientId?: string | undefined
  /** The application service whose `as_token` it is. */
  readonly appServiceId?: string
  /** client-server API, "Account locking": refused everywhere but where the operation says otherwise. */
  readonly isLocked?: boolean
  /** client-server API, "Account suspension". */
  readonly isSuspended?: boolean
  /** What they send reaches nobody, without their knowing. */
  readonly isShadowBanned?: boolean
  /** Application services with `rate_limited: false`, and accounts that an administrator exempted. */
  readonly isExemptFromRateLimits?: boolean
  /** How many events they may send, where an administrator has it otherwise than the settings. */
  readonly messageLimit?: RateLimit
}
