import type * as OAuthLibrary from 'oauth4webapi'
import type { Clock } from '../../core/clock.ts'
import type { JsonObject } from '../../core/json.ts'
import type { HttpClient } from '../http-client.ts'
import { targetOfUrl } from '../redirects.ts'
import { authenticationFor } from './client-authentication.ts'
import { explained, OpenIdError } from './errors.ts'
import { ProviderKeys } from './keys.ts'
import { readLogoutToken, type SignedOut } from './logout-token.ts'
import { library, MAX_BYTES, TIMEOUT_MS, transport } from './transport.ts'

/** How this server is known to a provider. */
export interface OpenIdClientSettings {
  /** The issuer's identifier, a URL. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly scopes: readonly string[]
}

/** What a sign-in is recognised by on the way back. */
export interface SignInSecrets {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  /** Since when people are to have shown who they are, even where the provider knows them already. Milliseconds since 1970. */
  readonly anewSince?: number | undefined
}

/** An OpenID Connect provider, as far as this server asks it who somebody is. */
export interface OpenIdProvider {
  /** Where a browser is sent to sign in. @throws {OpenIdError} */
  authorizationUrl(secrets: SignInSecrets, options: { readonly redirectUri: string }): Promise<string>
  /**
   * What the provider says of whoever has come back: the claims of the ID token, which is verified, `sub` at least.
   *
   * @param callback the query that the browser has brought
   * @param options.wanted further claims: where one is missing, the userinfo endpoint is asked, if there is one
   * @throws {OpenIdError}
   */
  claims(
    callback: URLSearchParams,
    secrets: SignInSecrets,
    options: { readonly redirectUri: string; readonly wanted: readonly string[] },
  ): Promise<JsonObject & { readonly sub: string }>
  /** Who has signed out there, as the provider tells by a logout token. @throws {OpenIdError} */
  signedOut(logoutToken: string): Promise<SignedOut>
}

/** How long what a provider says of itself is believed. Its keys are asked for again when an unknown one signs. */
const METADATA_MS = 600_000

/** By how much a provider's clock may be wrong, in seconds. */
const CLOCK_TOLERANCE_S = 60

/** The longest subject ("MUST NOT exceed 255 ASCII characters in length"). */
const MAX_SUBJECT = 255

/** OpenID Connect Core 1.0 by the authorisation code flow with PKCE; the library judges every answer. */
export class OpenIdProviderClient implements OpenIdProvider {
  readonly #settings: OpenIdClientSettings
  readonly #http: Pick<HttpClient, 'request'>
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #keys: ProviderKeys
  #metadata:
    | { readonly until: number; readonly server: Promise<OAuthLibrary.AuthorizationServer> }
    | undefined

  /** @param parts.timeoutMs how long to wait for each answer */
  constructor(
    settings: OpenIdClientSettings,
    parts: { http: Pick<HttpClient, 'request'>; clock: Clock; timeoutMs?: number },
  ) {
    this.#settings = settings
    this.#http = parts.http
    this.#clock = parts.clock
    this.#timeoutMs = parts.timeoutMs ?? TIMEOUT_MS
    this.#keys = new ProviderKeys(parts.clock)
  }

  async authorizationUrl(
    { state, nonce, codeVerifier, anewSince }: SignInSecrets,
    { redirectUri }: { redirectUri: string },
  ): Promise<string> {
    const oauth = await library()
    const server = await this.#server()
    const url = new URL(endpointOf(server, 'authorization_endpoint'))
    const query = {
      client_id: this.#settings.clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: this.#settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      // Not `prompt=login`, which not every provider knows: it may refuse what it does not know there.
      ...(anewSince === undefined ? {} : { max_age: '0' }),
    }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return url.href
  }

  async claims(
    callback: URLSearchParams,
    secrets: SignInSecrets,
    { redirectUri, wanted }: { redirectUri: string; wanted: readonly string[] },
  ): Promise<JsonObject & { readonly sub: string }> {
    const oauth = await library()
    const server = await this.#server()
    const client = await this.#client()
    return explained(async () => {
      const tokens = await this.#exchange(callback, secrets, redirectUri)
      const said = oauth.getValidatedIdTokenClaims(tokens)
      if (said === undefined) throw new OpenIdError('invalid', 'no ID token has come')
      if (said.sub.length > MAX_SUBJECT) throw new OpenIdError('invalid', 'the subject is too long')
      if (isStale(said, secrets)) throw new OpenIdError('invalid', 'auth_time is of before the sign-in')
      const lacks = wanted.some(name => said[name] === undefined)
      if (!lacks || server.userinfo_endpoint === undefined) return said as JsonObject & { sub: string }
      const more = await oauth.userInfoRequest(server, client, tokens.access_token, this.#ways(oauth))
      // "The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the ID Token."
      const userInfo = await oauth.processUserInfoResponse(server, client, said.sub, more)
      return { ...userInfo, ...said } as JsonObject & { sub: string }
    })
  }

  #ways(oauth: typeof OAuthLibrary) {
    return transport(oauth, this.#http, this.#settings.issuer.startsWith('http:'), this.#timeoutMs)
  }

  /**
   * Whether the provider is there, knows this server, and would send people back to it.
   *
   * @returns whether it sends a browser back that it does not know: not every provider does
   * @throws {OpenIdError} why nobody could sign in
   */
  async check(redirectUri: string): Promise<{ sendsBack: boolean }> {
    const oauth = await library()
    const server = await this.#server()
    const secrets = { state: 'check', nonce: 'check', codeVerifier: oauth.generateRandomCodeVerifier() }
    const nobody = new URLSearchParams({ code: 'tessera-check', state: 'check', iss: server.issuer })
    // Whoever is refused for the code alone is known there: `invalid_grant`, and not `invalid_client` (RFC 6749, 5.2).
    await explained(async () => {
      try {
        await this.#exchange(nobody, secrets, redirectUri)
      } catch (error) {
        if (!(error instanceof oauth.ResponseBodyError) || error.error !== 'invalid_grant') throw error
      }
    })
    const url = new URL(await this.authorizationUrl(secrets, { redirectUri }))
    url.searchParams.set('prompt', 'none')
    const { status, headers } = await explained(() => this.#get(url))
    return {
      sendsBack: status >= 300 && status < 400 && headers['location']?.startsWith(redirectUri) === true,
    }
  }

  async signedOut(logoutToken: string): Promise<SignedOut> {
    const server = await this.#server()
    const { id_token_signing_alg_values_supported: algorithms = ['RS256'] } = server
    return readLogoutToken(logoutToken, {
      ...{ issuer: server.issuer, clientId: this.#settings.clientId },
      algorithms: algorithms.filter(name => name !== 'none' && !name.startsWith('HS')),
      keys: isFresh =>
        this.#keys.get(isFresh, () => this.#get(new URL(server.jwks_uri ?? '', server.issuer))),
    })
  }

  #get(url: URL) {
    return this.#http.request({
      ...{ target: targetOfUrl(url), method: 'GET', path: `${url.pathname}${url.search}` },
      ...{ timeoutMs: this.#timeoutMs, maxBytes: MAX_BYTES },
    })
  }

  /** Exchanges a code for tokens; the ID token's signature is verified, too. */
  async #exchange(
    callback: URLSearchParams,
    { state, nonce, codeVerifier }: SignInSecrets,
    redirectUri: string,
  ): Promise<OAuthLibrary.TokenEndpointResponse> {
    const oauth = await library()
    const [server, client] = [await this.#server(), await this.#client()]
    const authentication = authenticationFor(oauth, server, this.#settings.clientSecret)
    const parameters = oauth.validateAuthResponse(server, client, callback, state)
    const response = await oauth.authorizationCodeGrantRequest(
      ...[server, client, authentication, parameters, redirectUri, codeVerifier],
      this.#ways(oauth),
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(server, response, this.#ways(oauth))
    return tokens
  }

  /** What the provider says of itself. A failure is forgotten at once. */
  async #server(): Promise<OAuthLibrary.AuthorizationServer> {
    const now = this.#clock.now()
    if (this.#metadata === undefined || this.#metadata.until <= now) {
      this.#metadata = { until: now + METADATA_MS, server: this.#discover() }
    }
    const known = this.#metadata
    try {
      return await known.server
    } catch (error) {
      if (this.#metadata === known) this.#metadata = undefined
      throw error
    }
  }

  async #discover(): Promise<OAuthLibrary.AuthorizationServer> {
    const oauth = await library()
    const issuer = new URL(this.#settings.issuer)
    return explained(async () => {
      const response = await oauth.discoveryRequest(issuer, this.#ways(oauth))
      return oauth.processDiscoveryResponse(issuer, response)
    })
  }

  async #client(): Promise<OAuthLibrary.Client> {
    const oauth = await library()
    return { client_id: this.#settings.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_S }
  }
}

/**
 * Clients "SHOULD check the auth_time Claim value" where they have sent `max_age` (OpenID Connect Core 1.0, 3.1.3.7). The ID token
 * "MUST include" one then, but not every provider does.
 */
const isStale = ({ auth_time: seconds }: OAuthLibrary.IDToken, { anewSince }: SignInSecrets): boolean =>
  anewSince !== undefined && seconds !== undefined && (seconds + CLOCK_TOLERANCE_S) * 1000 < anewSince

const endpointOf = (
  server: OAuthLibrary.AuthorizationServer,
  name: 'authorization_endpoint' | 'token_endpoint',
): string => {
  const url = URL.parse(server[name] ?? '')
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href
  throw new OpenIdError('invalid', `the provider names no ${name}`)
}
