import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { canonicalJson } from '../core/canonical-json.ts'
import type { JsonObject, JsonValue } from '../core/json.ts'
import { parseJson } from '../core/parse-json.ts'
import { type SigningKey, signingKeyFromSeed, signJson, verifySignature } from '../core/signing.ts'
import { signedRequestObject } from '../network/request-signature.ts'
import { testAuthority } from './tls.ts'

/** A request as it reached a peer. */
export interface PeerRequest {
  readonly method: string
  /** The whole request target. */
  readonly url: string
  /** Without the query, percent-decoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The parsed body, if there is one. */
  readonly body: JsonValue | undefined
  /** The name that the client greeted in TLS. */
  readonly sni: string | false | undefined
  /** Tells connections apart. */
  readonly connection: number | undefined
}

/** What a peer answers: JSON, or any text, or whatever the test does to the response itself. */
export type PeerAnswer =
  | {
      readonly status?: number
      readonly json?: JsonValue
      readonly text?: string
      readonly headers?: Record<string, string>
    }
  | { readonly raw: (response: ServerResponse, request: PeerRequest) => void }

type Answerer = PeerAnswer | ((request: PeerRequest) => PeerAnswer | Promise<PeerAnswer>)

interface Expectation {
  readonly method: string
  readonly path: string | RegExp
  readonly answer: Answerer
  readonly always: boolean
  used: boolean
}

export interface PeerOptions {
  /** Its DNS name; one of its own if not given. */
  readonly host?: string
  /** Whether its server name has the port in it, so that no discovery is needed. `true` if not given. */
  readonly portInName?: boolean
  /** Whose server it is, where that name only leads here by delegation. */
  readonly serverName?: string
  /** What its certificate is for; its host if not given. */
  readonly certificateFor?: readonly string[]
  /** When its keys expire, milliseconds since 1970; in a day if not given. */
  readonly keysValidUntil?: number
}

const DAY = 24 * 60 * 60_000
let count = 0

const readText = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const parseOrUndefined = (text: string): JsonValue | undefined => {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/**
 * A homeserver of a test: real HTTPS on 127.0.0.1, its own name and signing key, and answers as scripted. It serves
 * its keys by itself. Any other request that was not expected is answered with 404 and stands in `problems()`.
 */
export class ScriptedPeer {
  readonly serverName: string
  readonly host: string
  readonly port: number
  readonly signingKey: SigningKey
  /** All requests but those for its keys, in order. */
  readonly requests: PeerRequest[] = []
  readonly #server: Server
  readonly #keysValidUntil: number
  readonly #expectations: Expectation[] = []
  readonly #problems: string[] = []
  readonly #knownKeys = new Map<string, SigningKey>()

  private constructor(server: Server, host: string, options: PeerOptions) {
    this.#server = server
    this.host = host
    this.port = (server.address() as AddressInfo).port
    this.serverName = options.serverName ?? (options.portInName === false ? host : `${host}:${this.port}`)
    this.signingKey = signingKeyFromSeed('ed25519:peer', randomBytes(32))
    this.#keysValidUntil = options.keysValidUntil ?? Date.now() + DAY
    server.on('request', (request, response) => {
      this.#serve(request, response).catch(error => response.destroy(error))
    })
  }

  static async start(options: PeerOptions = {}): Promise<ScriptedPeer> {
    const host = options.host ?? `peer-${++count}.test`
    const authority = await testAuthority()
    const server = createServer(await authority.issue(options.certificateFor ?? [host]))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new ScriptedPeer(server, host, options)
  }

  /** The entry for a table of hosts that leads here, whichever port is asked for. */
  get hostsEntry(): readonly [string, readonly string[]] {
    return [this.host, [`127.0.0.1:${this.port}`]]
  }

  /** Expects one request. The path is without the query, and percent-decoded. */
  expect(method: string, path: string | RegExp, answer: Answerer): void {
    this.#expectations.push({ method, path, answer, always: false, used: false })
  }

  /** Answers any number of requests, even none. */
  always(method: string, path: string | RegExp, answer: Answerer): void {
    this.#expectations.push({ method, path, answer, always: true, used: false })
  }

  /** From now on each federation request must be signed by a server that the peer knows. */
  knows(serverName: string, key: SigningKey): void {
    this.#knownKeys.set(serverName, key)
  }

  /** Requests that nobody expected, or whose signature is wrong, and expected ones that did not come. */
  problems(): string[] {
    const missing = this.#expectations.filter(({ always, used }) => !always && !used)
    return [...this.#problems, ...missing.map(({ method, path }) => `never requested: ${method} ${path}`)]
  }

  /** What it publishes at `/_matrix/key/v2/server`. */
  publishedKeys(): JsonObject {
    const { keyId, publicKey } = this.signingKey
    const keys = {
      server_name: this.serverName,
      verify_keys: { [keyId]: { key: publicKey } },
      old_verify_keys: {},
      valid_until_ts: this.#keysValidUntil,
    }
    return signJson(keys, this.serverName, this.signingKey)
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers, socket } = incoming
    const text = await readText(incoming)
    const { pathname, searchParams: query } = new URL(url, 'https://peer.invalid')
    const path = decodeURIComponent(pathname)
    const sni = 'servername' in socket ? (socket.servername as string | false) : undefined
    const body = parseOrUndefined(text)
    const request = { method, url, path, query, headers, text, body, sni, connection: socket.remotePort }
    const answer = await this.#answerTo(request)
    if ('raw' in answer) return answer.raw(response, request)
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    response.end(answer.text ?? JSON.stringify(answer.json ?? {}))
  }

  async #answerTo(request: PeerRequest): Promise<PeerAnswer> {
    const { method, path } = request
    const expectation = this.#expectations.find(
      one =>
        one.method === method &&
        (one.always || !one.used) &&
        (typeof one.path === 'string' ? one.path === path : one.path.test(path)),
    )
    if (expectation === undefined && method === 'GET' && path === '/_matrix/key/v2/server') {
      return { json: this.publishedKeys() }
    }
    this.requests.push(request)
    if (!this.#isRightlySigned(request)) {
      this.#problems.push(`wrong signature: ${method} ${request.url}`)
      return { status: 401, json: { errcode: 'M_UNAUTHORIZED', error: 'wrong signature' } }
    }
    if (expectation === undefined) {
      this.#problems.push(`not expected: ${method} ${request.url}`)
      return { status: 404, json: { errcode: 'M_UNRECOGNIZED', error: 'not expected' } }
    }
    expectation.used = true
    return typeof expectation.answer === 'function' ? expectation.answer(request) : expectation.answer
  }

  #isRightlySigned({ method, url, path, headers, body }: PeerRequest): boolean {
    const open = !path.startsWith('/_matrix/federation/') || path === '/_matrix/federation/v1/version'
    if (open || this.#knownKeys.size === 0) return true
    const header = headers.authorization ?? ''
    const { origin = '', destination, key, sig = '' } = parseXMatrix(header)
    const known = this.#knownKeys.get(origin)
    if (known?.keyId !== key || known === undefined || destination !== this.serverName) return false
    const content = body === undefined ? {} : { content: body }
    const signed = signedRequestObject({ method, uri: url, origin, destination, ...content })
    return verifySignature(known.publicKey, Buffer.from(canonicalJson(signed)), sig)
  }
}

/** The parameters of an `X-Matrix` header of the strict form that servers send. */
export const parseXMatrix = (header: string): Record<string, string> =>
  Object.fromEntries(Array.from(header.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
