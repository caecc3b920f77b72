import { DEVICE_CODE_GRANT } from '../../../core/oauth/client-metadata.ts'
import { OAuthError } from '../../../core/oauth/errors.ts'
import type { OAuthParameters } from '../../../core/oauth/parameters.ts'
import type { OAuthClient, OAuthClients } from './clients.ts'
import type { CodeGrants } from './code-grants.ts'
import type { DeviceGrants } from './device-grants.ts'
import type { ClientTokens, Sessions } from './sessions.ts'

/** Answers clients that come for tokens (RFC 6749, 3.2). */
export class TokenEndpoint {
  readonly #parts: { clients: OAuthClients; codes: CodeGrants; devices: DeviceGrants; sessions: Sessions }

  constructor(parts: {
    clients: OAuthClients
    codes: CodeGrants
    devices: DeviceGrants
    sessions: Sessions
  }) {
    this.#parts = parts
  }

  /**
   * Exchanges whatever a client holds for tokens.
   * @throws {OAuthError} all of RFC 6749, 5.2, and RFC 8628, 3.5
   */
  async exchange(parameters: OAuthParameters): Promise<ClientTokens> {
    const grantType = parameters.need('grant_type')
    const { clientId } = await this.client(parameters)
    const { codes, devices, sessions } = this.#parts
    if (grantType === 'authorization_code') {
      return codes.exchange({
        clientId,
        code: parameters.need('code'),
        redirectUri: parameters.need('redirect_uri'),
        codeVerifier: parameters.need('code_verifier'),
      })
    }
    if (grantType === 'refresh_token') return sessions.refresh(clientId, parameters.need('refresh_token'))
    if (grantType === DEVICE_CODE_GRANT) return devices.poll(clientId, parameters.need('device_code'))
    throw new OAuthError('unsupported_grant_type', 'This grant type is not supported')
  }

  /** The client that a request says it comes from: all of them are public ones. @throws {OAuthError} `invalid_client` */
  async client(parameters: OAuthParameters): Promise<OAuthClient> {
    const clientId = parameters.get('client_id')
    const client = clientId === undefined ? undefined : await this.#parts.clients.find(clientId)
    if (client === undefined) throw new OAuthError('invalid_client', 'There is no client with this client_id')
    return client
  }
}
