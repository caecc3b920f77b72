import { generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { OpenIdProviderClient } from '../network/openid/provider.ts'
import { ANYWHERE, openHttpClient } from '../network/outgoing.ts'
import type { Provider, ProviderOptions } from '../services/accounts/providers/options.ts'
import type { FakeClock } from './fake-clock.ts'

type Claims = Record<string, unknown>

interface Granted {
  readonly claims: Claims
  readonly query: URLSearchParams
}

/** An OpenID Connect provider that does what a test says. Whoever comes is who it says, without being asked. */
export class ScriptedProvider {
  /** Who comes: the claims of the ID token. */
  person: Claims = { sub: '1' }
  /** What the userinfo endpoint says besides. */
  more: Claims = {}
  /** What is wrong with the ID token. */
  forge: Claims = {}
  /** What the authorisation endpoint answers instead of a code. */
  refusal: string | undefined
  /** Whether it shows a page to whoever is sent by a server whose redirect URI it does not know. */
  isStrict = false
  /** Whether tokens are signed by a key that is not published. */
  signsWithAnother = false
  /** The query of the latest authorisation request. */
  asked = new URLSearchParams()
  readonly url: string
  readonly clientSecret = 'a secret: with / in it'
  #keys = [newKey()]
  readonly #codes = new Map<string, Granted>()
  readonly #accessTokens = new Map<string, Claims>()

  private constructor(url: string) {
    this.url = url
  }

  static async open(t: ExecutionContext): Promise<ScriptedProvider> {
    // A connection that it ended while this thread was kept from its timers would fail whoever uses it next.
    const server = createServer({ keepAliveTimeout: 0 })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const provider = new ScriptedProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.on('request', (request, response) => void provider.#answer(request, response))
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return provider
  }

  /** Goes where a browser is sent. @returns the query with which it comes back */
  async visit(url: string): Promise<URLSearchParams> {
    const answer = await fetch(url, { redirect: 'manual' })
    return new URL(answer.headers.get('location') ?? '').searchParams
  }

  /** Signs with a new key from now on, and publishes that alone. */
  rotate(): void {
    this.#keys = [newKey()]
  }

  /** As the settings of a server have it. */
  at(
    t: ExecutionContext,
    clock: FakeClock,
    options: Partial<ProviderOptions> = {},
  ): Provider & { readonly client: OpenIdProviderClient } {
    const http = openHttpClient({ clock, caFile: undefined, hosts: {}, proxy: undefined, ...ANYWHERE })
    t.teardown(() => http.close())
    return {
      options: {
        id: 'company',
        name: 'The company',
        requiredClaims: {},
        registration: true,
        linkByName: false,
        userName: '{preferred_username}',
        displayName: '{name}',
        email: '{email}',
        picture: '{picture}',
        chooseUserName: 'if_needed',
        trustEmails: false,
        ...options,
      },
      client: new OpenIdProviderClient(
        { issuer: this.url, clientId: 'tessera', clientSecret: this.clientSecret, scopes: ['openid'] },
        { http, clock },
      ),
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (url.pathname === '/.well-known/openid-configuration') return void json(this.#metadata())
    if (url.pathname === '/keys') return void json({ keys: this.#keys.map(({ jwk }) => jwk) })
    if (url.pathname === '/authorize' && this.isStrict) return void json({ error: 'invalid_request' }, 400)
    if (url.pathname === '/authorize') {
      return void response.writeHead(302, { location: this.#authorize(url.searchParams) }).end()
    }
    if (url.pathname === '/userinfo') {
      const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
      return void json({ ...this.#accessTokens.get(token), ...this.more })
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    if (url.pathname !== '/token') return void json({ error: 'not_found' }, 404)
    const [name = '', secret = ''] = Buffer.from(
      (request.headers.authorization ?? '').replace(/^Basic /, ''),
      'base64',
    )
      .toString()
      .split(':')
      .map(part => decodeURIComponent(part.replaceAll('+', ' ')))
    if (name !== 'tessera' || secret !== this.clientSecret) return void json({ error: 'invalid_client' }, 401)
    const tokens = this.#exchange(form)
    json(tokens ?? { error: 'invalid_grant' }, tokens === undefined ? 400 : 200)
  }

  #metadata() {
    return {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
      userinfo_endpoint: `${this.url}/userinfo`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      authorization_response_iss_parameter_supported: true,
    }
  }

  #authorize(query: URLSearchParams): string {
    this.asked = query
    const back = new URL(query.get('redirect_uri') ?? '')
    back.searchParams.set('state', query.get('state') ?? '')
    back.searchParams.set('iss', this.url)
    if (this.refusal !== undefined) back.searchParams.set('error', this.refusal)
    else {
      const code = randomUUID()
      this.#codes.set(code, { claims: this.person, query })
      back.searchParams.set('code', code)
    }
    return back.href
  }

  #exchange(form: URLSearchParams): object | undefined {
    const code = form.get('code') ?? ''
    const granted = this.#codes.get(code)
    this.#codes.delete(code)
    const isAsked =
      granted?.query.get('redirect_uri') === form.get('redirect_uri') &&
      granted?.query.get('code_challenge') === hash('sha256', form.get('code_verifier') ?? '', 'base64url')
    if (granted === undefined || !isAsked) return undefined
    const accessToken = randomUUID()
    this.#accessTokens.set(accessToken, granted.claims)
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      ...{ iss: this.url, aud: 'tessera', iat: now, exp: now + 60, nonce: granted.query.get('nonce') },
      ...granted.claims,
      ...this.forge,
    }
    return { access_token: accessToken, token_type: 'Bearer', id_token: this.token(claims) }
  }

  /** A token with these claims, signed. */
  token(claims: Claims): string {
    const [key] = this.#keys
    const { kid, privateKey } = key ?? newKey()
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg: 'ES256', kid })}.${part(claims)}`
    const signer = this.signsWithAnother ? newKey().privateKey : privateKey
    const signature = sign('sha256', Buffer.from(input), { key: signer, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }
}

const newKey = (): { kid: string; privateKey: KeyObject; jwk: object } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomUUID()
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } }
}
