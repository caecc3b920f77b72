import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { OAuthError } from './errors.ts'
import { type ApplicationType, isUnder, isValidRedirectUri, MAX_URI_LENGTH } from './redirect-uri.ts'

/** What a client says of itself (`OAuthClientMetadata`), as far as it is kept. */
export interface ClientMetadata {
  readonly client_name?: string
  readonly client_uri: string
  readonly logo_uri?: string
  readonly tos_uri?: string
  readonly policy_uri?: string
  readonly redirect_uris: readonly string[]
  readonly response_types: readonly string[]
  readonly grant_types: readonly string[]
  readonly token_endpoint_auth_method: 'none'
  readonly application_type: ApplicationType
}

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
export const GRANT_TYPES = ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT] as const

const MAX_REDIRECT_URIS = 20
/** In code points. */
const MAX_NAME_LENGTH = 200
/** Of a list of which only some entries mean something here. */
const MAX_LIST = 50

/**
 * Checks what a client registers (RFC 7591, section 2; client-server API, "Client metadata"). "The server MUST ignore values
 * that it does not understand"; what is localised (`client_name#fr`) is not kept.
 *
 * @throws {OAuthError} `invalid_client_metadata`, `invalid_redirect_uri`
 */
export const clientMetadata = (body: JsonValue): ClientMetadata => {
  if (!isJsonObject(body)) throw refused('a JSON object is expected')
  const clientUri = text(body, 'client_uri')
  if (clientUri === undefined) throw refused('client_uri is missing')
  const host = URL.parse(clientUri)?.hostname ?? ''
  if (host === '' || !isUnder(clientUri, host)) throw refused('client_uri must be an https address of a page')
  const name = text(body, 'client_name')
  if (name !== undefined && [...name].length > MAX_NAME_LENGTH) throw refused('client_name is too long')
  // "If unspecified or omitted, the default is client_secret_basic"; the server may replace it, and says so.
  if ((text(body, 'token_endpoint_auth_method') ?? 'none') !== 'none')
    throw refused('token_endpoint_auth_method must be none')
  const grantTypes = known(list(body, 'grant_types') ?? ['authorization_code'], GRANT_TYPES)
  const responseTypes = known(list(body, 'response_types') ?? ['code'], ['code'])
  const redirectUris = redirects(body, host)
  if (grantTypes.includes('authorization_code')) {
    if (!responseTypes.includes('code')) throw refused('authorization_code needs the response type code')
    if (redirectUris.length === 0) {
      throw new OAuthError('invalid_redirect_uri', 'authorization_code needs a redirect URI')
    }
  }
  return {
    ...(name === undefined ? {} : { client_name: name }),
    client_uri: clientUri,
    ...pages(body, host),
    redirect_uris: redirectUris,
    response_types: responseTypes,
    grant_types: grantTypes,
    token_endpoint_auth_method: 'none',
    application_type: applicationType(body),
  }
}

/** The pages that it shows: "those MUST be either on the same host or on a subdomain of the host of the `client_uri`". */
const pages = (body: JsonObject, host: string) => {
  const page = <Name extends 'logo_uri' | 'tos_uri' | 'policy_uri'>(name: Name) => {
    const uri = text(body, name)
    if (uri === undefined) return {}
    if (!isUnder(uri, host)) throw refused(`${name} must be an https address on the host of client_uri`)
    return { [name]: uri } as { [Each in Name]: string }
  }
  return { ...page('logo_uri'), ...page('tos_uri'), ...page('policy_uri') }
}

const redirects = (body: JsonObject, host: string): readonly string[] => {
  const uris = list(body, 'redirect_uris') ?? []
  if (uris.length > MAX_REDIRECT_URIS) {
    throw new OAuthError(
      'invalid_redirect_uri',
      `At most ${MAX_REDIRECT_URIS} redirect URIs can be registered`,
    )
  }
  const type = applicationType(body)
  const index = uris.findIndex(uri => !isValidRedirectUri(uri, host, type))
  if (index !== -1) {
    throw new OAuthError(
      'invalid_redirect_uri',
      `redirect_uris[${index}] is none that a ${type} client may use`,
    )
  }
  return uris
}

/** "Defaults to `web` if omitted." */
const applicationType = (body: JsonObject): ApplicationType => {
  const type = text(body, 'application_type') ?? 'web'
  if (type !== 'web' && type !== 'native') throw refused('application_type must be web or native')
  return type
}

const text = (body: JsonObject, name: string): string | undefined => {
  const value = body[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string' || value.length > MAX_URI_LENGTH || !value.isWellFormed()) {
    throw refused(`${name} must be a string of at most ${MAX_URI_LENGTH} characters`)
  }
  return value
}

const list = (body: JsonObject, name: string): string[] | undefined => {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.length > MAX_LIST || !value.every(entry => typeof entry === 'string')) {
    throw refused(`${name} must be a list of at most ${MAX_LIST} strings`)
  }
  return [...new Set(value as string[])]
}

const known = (values: readonly string[], understood: readonly string[]): string[] =>
  values.filter(value => understood.includes(value))

const refused = (why: string): OAuthError => new OAuthError('invalid_client_metadata', why)
