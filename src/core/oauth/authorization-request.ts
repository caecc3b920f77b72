import type { ClientMetadata } from './client-metadata.ts'
import { OAuthError } from './errors.ts'
import type { OAuthParameters } from './parameters.ts'
import { isRegistered } from './redirect-uri.ts'
import { parseScope, type Scope } from './scope.ts'

export const RESPONSE_MODES = ['query', 'fragment'] as const

/** Where a client is told the outcome, and how. */
export interface ReplyAddress {
  readonly redirectUri: string
  readonly mode: (typeof RESPONSE_MODES)[number]
  readonly state: string | undefined
}

/** What a client asks of the user (client-server API, "Authorisation request"). */
export interface AuthorizationRequest {
  readonly scope: Scope
  readonly codeChallenge: string
}

/** "A unique opaque identifier": bounded, since it is carried along. In characters. */
const MAX_STATE_LENGTH = 2048

/** A SHA-256 hash in base64url (RFC 7636, 4.2). */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/

/** Values of `prompt` that are no different from what is done anyway: whoever signs in is asked, each time. */
const PROMPTS = ['create', 'login', 'consent', 'select_account']

/**
 * Where the answer to a request goes. What fails here is told to the user alone: "the authorization server … MUST NOT
 * automatically redirect the user-agent to the invalid redirection URI" (RFC 6749, 4.1.2.1).
 *
 * @throws {OAuthError} `invalid_request`
 */
export const replyAddress = (parameters: OAuthParameters, client: ClientMetadata): ReplyAddress => {
  const redirectUri = parameters.need('redirect_uri')
  if (!isRegistered(redirectUri, client.redirect_uris)) {
    throw new OAuthError('invalid_request', 'redirect_uri is none of those that the client has registered')
  }
  const mode = RESPONSE_MODES.find(one => one === (parameters.get('response_mode') ?? 'query'))
  if (mode === undefined) throw new OAuthError('invalid_request', 'response_mode must be query or fragment')
  const state = parameters.get('state')
  if (state !== undefined && state.length > MAX_STATE_LENGTH) {
    throw new OAuthError('invalid_request', 'state is too long')
  }
  return { redirectUri, mode, state }
}

/**
 * Checks the rest of a request.
 * @throws {OAuthError} `unsupported_response_type`, `unauthorized_client`, `invalid_request`, `invalid_scope`,
 *   `interaction_required`
 */
export const authorizationRequest = (
  parameters: OAuthParameters,
  client: ClientMetadata,
): AuthorizationRequest => {
  if (parameters.need('response_type') !== 'code') {
    throw new OAuthError('unsupported_response_type', 'response_type must be code')
  }
  if (!client.grant_types.includes('authorization_code')) {
    throw new OAuthError('unauthorized_client', 'The client has not registered for authorization_code')
  }
  const codeChallenge = parameters.need('code_challenge')
  // Without a method it would be `plain` (RFC 7636, 4.3).
  if (parameters.get('code_challenge_method') !== 'S256') {
    throw new OAuthError('invalid_request', 'code_challenge_method must be S256')
  }
  if (!CHALLENGE.test(codeChallenge)) {
    throw new OAuthError('invalid_request', 'code_challenge is no SHA-256 hash in base64url')
  }
  checkPrompt(parameters.get('prompt'))
  return { scope: parseScope(parameters.need('scope')), codeChallenge }
}

const checkPrompt = (prompt: string | undefined): void => {
  if (prompt === 'none') throw new OAuthError('interaction_required', 'The user is always asked')
  if (prompt?.split(' ').some(value => !PROMPTS.includes(value)) === true) {
    throw new OAuthError('invalid_request', 'prompt has a value that is not supported')
  }
}

/** The address to send the user back to with the outcome, in the query string or the fragment. */
export const replyUrl = (
  { redirectUri, mode, state }: ReplyAddress,
  outcome: Readonly<Record<string, string>>,
): string => {
  const parameters = new URLSearchParams({ ...(state === undefined ? {} : { state }), ...outcome })
  if (mode === 'fragment') return `${redirectUri}#${parameters}`
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${parameters}`
}
