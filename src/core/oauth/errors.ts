/** The error codes of RFC 6749 (4.1.2.1, 5.2), RFC 7591 (3.2.2), RFC 7009 (2.2.1), RFC 8628 (3.5) and OpenID Connect Core (3.1.2.6). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'access_denied'
  | 'temporarily_unavailable'
  | 'interaction_required'
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'unsupported_token_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'

/** "The authorization server responds with an HTTP 400 (Bad Request) status code (unless specified otherwise)". */
const STATUS: Readonly<Partial<Record<OAuthErrorCode, number>>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
}

/** A refusal in the words of OAuth, which clients get as `error` and `error_description`. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number

  /** @param description for developers; without quotation marks and backslashes (RFC 6749, 5.2) */
  constructor(code: OAuthErrorCode, description: string) {
    super(description)
    this.code = code
    this.status = STATUS[code] ?? 400
  }

  /** The members of an error response. */
  get fields(): { error: OAuthErrorCode; error_description: string } {
    return { error: this.code, error_description: this.message }
  }
}
