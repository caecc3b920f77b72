import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonValue } from '../../core/json.ts'
import { OAuthError } from '../../core/oauth/errors.ts'
import type { OAuthParameters } from '../../core/oauth/parameters.ts'
import { parseBody, textOf } from '../body.ts'
import type { Pages } from '../pages.ts'
import { answer, bodyOf, formOf } from './answer.ts'

/** What the endpoints need of the accounts. */
export interface OAuthService<Client = unknown> {
  metadata(): object | undefined
  readonly clients: { register(body: JsonValue): Promise<object> }
  readonly tokens: {
    exchange(parameters: OAuthParameters): Promise<object>
    client(parameters: OAuthParameters): Promise<Client>
  }
  readonly devices: { begin(client: Client, scope: string): Promise<object> }
  readonly sessions: { revoke(token: string): Promise<void> }
}

export interface OAuthEndpointsOptions<Client> {
  readonly oauth: OAuthService<Client>
  readonly clock: Clock
  readonly paths: {
    readonly register: string
    readonly token: string
    readonly device: string
    readonly revoke: string
  }
}

const MAX_DEPTH = 16

/** Adds what clients call of the OAuth 2.0 API by themselves; where users are sent is pages of their own. */
export const addOAuthEndpoints = <Client>(
  pages: Pages,
  { oauth, clock, paths }: OAuthEndpointsOptions<Client>,
): void => {
  // What RFC 8414 makes of the issuer; the specification has clients ask for /auth_metadata.
  pages.get('/.well-known/oauth-authorization-server', async context => {
    context.body = oauth.metadata()
  })
  pages.post(paths.register, context =>
    answer(context, async () => oauth.clients.register(jsonOf(await bodyOf(context, clock))), 201),
  )
  pages.post(paths.token, context =>
    answer(context, async () => oauth.tokens.exchange(await formOf(context, clock))),
  )
  pages.post(paths.device, context =>
    answer(context, async () => {
      const parameters = await formOf(context, clock)
      return oauth.devices.begin(await oauth.tokens.client(parameters), parameters.need('scope'))
    }),
  )
  pages.post(paths.revoke, context =>
    answer(context, async () => {
      const parameters = await formOf(context, clock)
      const token = parameters.need('token')
      const hint = parameters.get('token_type_hint')
      // "If present, MUST have a value of either access_token or refresh_token."
      if (hint !== undefined && hint !== 'access_token' && hint !== 'refresh_token') {
        throw new OAuthError(
          'unsupported_token_type',
          'token_type_hint must be access_token or refresh_token',
        )
      }
      await oauth.sessions.revoke(token)
      return {}
    }),
  )
}

const jsonOf = (body: Buffer): JsonValue => {
  try {
    return parseBody(textOf(body), { required: true, maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    throw new OAuthError('invalid_client_metadata', 'The body must be a JSON object')
  }
}
