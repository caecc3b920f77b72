import { hash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { addSignInPages } from '../composition/sign-in-pages.ts'
import { createPages } from '../http/pages.ts'
import type { RateLimitSettings } from '../http/rate-limit.ts'
import type { Database } from '../storage/database.ts'
import { accountServer, PASSWORD, SERVER_NAME, type TestAccountsOptions } from './accounts.ts'

/** What a client says of itself when it registers. */
export const CLIENT = {
  client_name: 'Tea time',
  client_uri: 'https://tea.example/',
  redirect_uris: ['https://app.tea.example/callback?from=tessera', 'https://tea.example/back'],
  tos_uri: 'https://tea.example/terms',
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  token_endpoint_auth_method: 'none',
}

export const VERIFIER = 'a-verifier_of.43~characters-is-long-enough-0'
export const REDIRECT = 'https://tea.example/back'
export const scopeOf = (deviceId: string): string =>
  `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`

/** An answer as a browser, or a client, gets it. */
export interface Visit {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where it leads, if it leads somewhere. */
  readonly location: URL | undefined
}

/** A browser that keeps the cookie of one server and follows no redirect. */
export class TestBrowser {
  readonly #url: string
  #cookie = ''
  #formToken = ''

  constructor(url: string) {
    this.#url = url
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#visit(path, { headers })
  }

  /** Sends the form of the page seen last. */
  async post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Visit> {
    return this.#visit(path, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ form: this.#formToken, ...fields }),
    })
  }

  /** Signs in on a page. */
  async signIn(path: string, user = 'alice', password = PASSWORD): Promise<Visit> {
    await this.get(path)
    return this.post(path, { do: 'sign-in', user, password })
  }

  async #visit(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Visit> {
    const headers = { ...init.headers, ...(this.#cookie === '' ? {} : { Cookie: this.#cookie }) }
    const response = await fetch(this.#url + path, { ...init, headers, redirect: 'manual' })
    const set = response.headers.get('set-cookie')
    if (set !== null) this.#cookie = set.split(';')[0] ?? ''
    const text = await response.text()
    this.#formToken = /name="form" value="([^"]+)"/.exec(text)?.[1] ?? this.#formToken
    const location = response.headers.get('location')
    return {
      status: response.status,
      headers: response.headers,
      text,
      location: location === null ? undefined : new URL(location, this.#url),
    }
  }
}

/** The accounts of a server with its pages, alice among them, and a client that has registered. */
export const openOAuth = async (
  t: ExecutionContext,
  database: Database,
  options: TestAccountsOptions & { rateLimits?: RateLimitSettings } = {},
) => {
  const baseUrl = 'http://localhost:8008'
  const parts = await accountServer(t, database, {
    ...options,
    email: { revealAccounts: false, language: 'en', ...options.email, baseUrl },
    pages: (accounts, clock) => {
      const pages = createPages()
      const passwords = options.sessions?.passwords ?? true
      addSignInPages(pages, { accounts, clock, serverName: SERVER_NAME, baseUrl, language: 'en', passwords })
      return pages
    },
  })
  const { accounts, server } = parts
  await accounts.createUser({ username: 'alice', password: PASSWORD })
  const send = async (path: string, init: RequestInit) => {
    const response = await fetch(server.url + path, { method: 'POST', ...init })
    const body = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body }
  }
  const register = (metadata: unknown) =>
    send('/oauth2/register', {
      body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
      headers: { 'Content-Type': 'application/json' },
    })
  const form = (path: string, fields: Record<string, string>) =>
    send(path, { body: new URLSearchParams(fields) })
  const clientId = String((await register(CLIENT)).body['client_id'])
  const browser = () => new TestBrowser(server.url)
  const authorizePath = (changed: Record<string, string | undefined> = {}): string => {
    const query: Record<string, string | undefined> = {
      response_type: 'code',
      response_mode: 'fragment',
      client_id: clientId,
      redirect_uri: REDIRECT,
      scope: scopeOf('TEAPOT'),
      state: 'as it was',
      code_challenge: hash('sha256', VERIFIER, 'base64url'),
      code_challenge_method: 'S256',
      ...changed,
    }
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return `/oauth2/authorize?${new URLSearchParams(given)}`
  }
  /** Signs in and allows what is asked for; answers the code. */
  const codeFor = async (changed: Record<string, string | undefined> = {}): Promise<string> => {
    const path = authorizePath(changed)
    const visitor = browser()
    await visitor.signIn(path)
    await visitor.get(path)
    const { location } = await visitor.post(path, { do: 'allow' })
    return new URLSearchParams(location?.hash.slice(1) || location?.search).get('code') ?? ''
  }
  const token = (fields: Record<string, string>) => form('/oauth2/token', { client_id: clientId, ...fields })
  const exchange = (code: string, changed: Record<string, string> = {}) =>
    token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
      ...changed,
    })
  const refresh = (refreshToken: string) =>
    token({ grant_type: 'refresh_token', refresh_token: refreshToken })
  /** A session of the client on a device. */
  const session = async (deviceId = 'TEAPOT') => {
    const { body } = await exchange(await codeFor({ scope: scopeOf(deviceId) }))
    return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
  }
  const whoAmI = (accessToken: string) =>
    server.request('GET', '/_matrix/client/v3/account/whoami', { token: accessToken })
  return {
    ...parts,
    ...{
      clientId,
      browser,
      authorizePath,
      codeFor,
      token,
      exchange,
      refresh,
      session,
      whoAmI,
      register,
      form,
    },
  }
}
