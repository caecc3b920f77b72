import type { IncomingMessage } from 'node:http'
import { MatrixError } from '../core/errors.ts'
import type { JsonValue } from '../core/json.ts'
import type { Requester } from '../services/requester.ts'
import type { Operation } from '../spec/operation.ts'

/** What is known of a client besides its token. */
export interface TokenContext {
  /** Application services: whom they act for (application-service API, "Identity assertion"). */
  readonly assertedUserId: string | undefined
  readonly assertedDeviceId: string | undefined
  readonly ip: string
  readonly userAgent: string | undefined
}

/** Throws `M_UNKNOWN_TOKEN`, with `soft_logout` where it applies. Locks and suspensions are judged by the pipeline. */
export type Authenticate = (accessToken: string, context: TokenContext) => Promise<Requester>

/** Whether a token is an application service's. */
export type IsServiceToken = (accessToken: string) => boolean

/** A request as it was signed (server-server API, "Request Authentication"). */
export interface SignedRequest {
  readonly method: string
  /** The request target as it was sent, with the query string. */
  readonly uri: string
  readonly origin: string
  /** Older servers omit it; another server's name must be refused. */
  readonly destination: string | undefined
  readonly keyId: string
  readonly signature: string
  /** Reads the body when it is asked for; `undefined` when the request has none. Throws as `readBody` and `parseBody`. */
  readonly body: () => Promise<SignedBody | undefined>
}

/** A body as it was sent, and what it says: reading that may take long. */
export interface SignedBody {
  readonly text: string
  readonly content: () => JsonValue
}

/** Throws `M_UNAUTHORIZED` (401) unless the signature is the origin's and the request is meant for this server. */
export type VerifyRequest = (request: SignedRequest) => Promise<void>

/** The token of the `Authorization: Bearer` header. */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]

/** The same, or that of the query, where it stood until version 1.20. */
export const accessTokenOf = (request: IncomingMessage, query: Query): string | undefined =>
  bearerOf(request) ?? (single(query.access_token) || undefined)

/**
 * Whether an application service asks. Nothing of that is counted by its address, which may be that of a proxy or of this machine,
 * where others are, too: what its users do is counted by their accounts, if its registration says so.
 */
export const isOfService = (
  isServiceToken: IsServiceToken | undefined,
  request: IncomingMessage,
  query: Query = {},
): boolean => {
  const token = isServiceToken && accessTokenOf(request, query)
  return token !== undefined && isServiceToken?.(token) === true
}

/** A parsed query string. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

/** The first of the values of a parameter. */
export const single = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0]

/**
 * Refuses requesters that the operation does not serve: guests (guest_access.md), locked accounts (401
 * `M_USER_LOCKED` with `soft_logout`) and suspended ones (403 `M_USER_SUSPENDED`).
 */
export const admit = (requester: Requester, operation: Operation): void => {
  if (requester.isLocked && operation.whenLocked === 'refuse') {
    throw new MatrixError('M_USER_LOCKED', 'This account has been locked', { fields: { soft_logout: true } })
  }
  if (requester.isSuspended && operation.whenSuspended === 'refuse') {
    throw new MatrixError('M_USER_SUSPENDED', 'You cannot do this while your account is suspended')
  }
  if (requester.isGuest && operation.guest === 'refuse') {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests cannot do this')
  }
  if (operation.authentication === 'appServiceToken' && requester.appServiceId === undefined) {
    throw new MatrixError('M_FORBIDDEN', 'Only application services can do this')
  }
  if (operation.authentication === 'administratorToken') refuseUnlessAdministrator(requester)
}

/**
 * Refuses who does not administer the server, or may not in this session.
 * @throws {MatrixError} `M_FORBIDDEN`
 */
export const refuseUnlessAdministrator = ({ isAdmin, oauthClientId }: Requester): void => {
  if (isAdmin) return
  const where = oauthClientId === undefined ? '' : ', in a session that was given leave to'
  throw new MatrixError('M_FORBIDDEN', `Only administrators of this server can do this${where}`)
}

/** The credentials of one `X-Matrix` header. */
export interface XMatrix {
  readonly origin: string
  readonly destination: string | undefined
  readonly keyId: string
  readonly signature: string
}

/** A parameter: a token or, for older servers, one with colons in it; or a quoted string with escapes. */
const PARAMETER = /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))[ \t]*(?:,|$)/y
/** "A recipient MUST parse and ignore a reasonable number of empty list elements" (RFC 9110, 5.6.1.2). */
const SEPARATORS = /[ \t,]*/y

/**
 * Parses `X-Matrix origin="…",destination="…",key="…",sig="…"` (RFC 9110, 11.4): the scheme and the names in any
 * case, in any order, blanks around commas, values quoted or not. Unknown parameters are ignored. `undefined` for
 * anything else.
 */
export const parseXMatrix = (header: string): XMatrix | undefined => {
  const scheme = /^X-Matrix +/i.exec(header)
  if (!scheme) return undefined
  const parameters = new Map<string, string>()
  const follows = (index: number): boolean => {
    SEPARATORS.lastIndex = index
    SEPARATORS.exec(header)
    PARAMETER.lastIndex = SEPARATORS.lastIndex
    return PARAMETER.lastIndex < header.length
  }
  for (let index = scheme[0].length; follows(index); index = PARAMETER.lastIndex) {
    const [, name, quoted, bare] = PARAMETER.exec(header) ?? []
    if (name === undefined || parameters.has(name.toLowerCase())) return undefined
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? '')
  }
  const origin = parameters.get('origin')
  const keyId = parameters.get('key')
  // The text calls it `signature` in one place; every server sends `sig`, as its example does.
  const signature = parameters.get('sig') ?? parameters.get('signature')
  if (!origin || !keyId || !signature) return undefined
  return { origin, destination: parameters.get('destination'), keyId, signature }
}

/** Servers with several keys send one header for each; more than this are not looked at. */
const MAX_SIGNATURES = 4

/** The `X-Matrix` credentials of a request, all by the same origin. Throws `M_UNAUTHORIZED` (401) if there are none. */
export const credentialsOf = (request: IncomingMessage): readonly [XMatrix, ...XMatrix[]] => {
  const headers = (request.headersDistinct.authorization ?? []).slice(0, MAX_SIGNATURES)
  const [first, ...others] = headers.map(parseXMatrix).filter(each => each !== undefined)
  if (!first) throw new MatrixError('M_UNAUTHORIZED', 'The X-Matrix authorization is missing or malformed')
  return [first, ...others.filter(each => each.origin === first.origin)]
}
