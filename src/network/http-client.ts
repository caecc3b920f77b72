import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { Dispatcher, Pool } from 'undici'
import type { Clock } from '../core/clock.ts'
import type { AddressPolicy } from './address-policy.ts'
import { createConnector, type Target } from './connector.ts'
import { unlessAborted, withDeadline } from './deadline.ts'
import type { NameResolver } from './name-resolver.ts'
import { isStaleConnection, OutboundError, toOutboundError } from './outbound-error.ts'
import type { OutboundProxy } from './outbound-proxy.ts'
import { trustedRoots } from './trust.ts'
import { connectBy, loadPool } from './undici.ts'

/** What may take minutes goes by other connections than what is short, which would wait for it; and so do files, which many look at. */
export type Line = 'short' | 'long' | 'files'

export interface OutboundRequest {
  readonly target: Target
  readonly method: 'GET' | 'PUT' | 'POST'
  /** The request target: path and query, percent-encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For everything, from connecting to the last byte, in milliseconds. */
  readonly timeoutMs?: number
  /** The largest response body that is read, in bytes. */
  readonly maxBytes?: number
  /** By default it is short. */
  readonly line?: Line | undefined
  readonly signal?: AbortSignal | undefined
}

export interface OutboundResponse {
  readonly status: number
  /** By lower-case name; repeated ones are joined with commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A response whose body is still to come. */
export interface IncomingResponse {
  readonly status: number
  /** By lower-case name; repeated ones are joined with commas. */
  readonly headers: Readonly<Record<string, string>>
  /** At most `maxBytes`; throws `OutboundError` beyond, and where it breaks off. */
  readonly body: AsyncIterable<Buffer>
}

export interface HttpClientOptions {
  readonly clock: Clock
  readonly policy: AddressPolicy
  readonly resolver: NameResolver
  /** Certificate authorities besides the system's, in PEM form. */
  readonly extraCa?: string
  /** The way out, where connections are not direct. */
  readonly proxy?: OutboundProxy | undefined
  /** The `User-Agent` of every request. */
  readonly userAgent?: string
  readonly connectTimeoutMs?: number
  /** How long the response's header, and then each piece of its body, may take. */
  readonly idleTimeoutMs?: number
  /** How long a connection without requests is kept. */
  readonly keepAliveMs?: number
  readonly connectionsPerTarget?: number
  /** How many targets have connections at a time; one counts once for each of its lines. */
  readonly maxPools?: number
}

const DEFAULTS = {
  userAgent: 'Tessera',
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  keepAliveMs: 30_000,
  connectionsPerTarget: 6,
  maxPools: 1_000,
}

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_BYTES = 1_048_576

/** Same connections ↔ same key: the order of the candidates, which is partly drawn, does not count. */
const poolKey = (target: Target, line: Line): string => {
  const { protocol = 'https:', candidates, hostHeader, tlsServerName } = target
  const endpoints = candidates.map(({ host, port }) => `${host} ${port}`).sort()
  return JSON.stringify([protocol, hostHeader, tlsServerName, endpoints, line])
}

const flat = (headers: Dispatcher.ResponseData['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )

async function* bounded({ body, headers, statusCode }: Dispatcher.ResponseData, maxBytes: number) {
  const tooLarge = () =>
    new OutboundError('too-large', `the response is larger than ${maxBytes} bytes`, { status: statusCode })
  let length = 0
  try {
    if (Number(headers['content-length']) > maxBytes) throw tooLarge()
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge()
      yield chunk
    }
  } catch (error) {
    throw toOutboundError(error, statusCode)
  }
}

const readAll = async ({ status, headers, body }: IncomingResponse): Promise<OutboundResponse> => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return {
    status,
    headers,
    body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
  }
}

/**
 * HTTP/1.1 to servers that nobody here has reason to trust: addresses checked by a policy, certificates verified,
 * every dimension bounded, connections kept and shared per target. It follows no redirects.
 */
export class HttpClient {
  readonly #options: HttpClientOptions & typeof DEFAULTS
  readonly #pools: LRUCache<string, Pool>

  constructor(options: HttpClientOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#pools = new LRUCache({
      max: this.#options.maxPools,
      // Requests that are under way finish first.
      dispose: pool => void pool.close().catch(() => undefined),
    })
  }

  /** How many pools there are now. */
  get poolCount(): number {
    return this.#pools.size
  }

  /**
   * Sends one request and reads the whole response, whatever its status.
   *
   * @throws {OutboundError} where no complete response came; and the signal's reason when it is aborted.
   */
  request(request: OutboundRequest): Promise<OutboundResponse> {
    return this.receive(request, readAll)
  }

  /**
   * Sends one request and lends the response while it comes. Time-out and signal hold until `consume` has ended; what
   * it leaves of the body is not read.
   *
   * @returns what `consume` answers.
   * @throws {OutboundError} on failure on the way; the signal's reason when it is aborted; what `consume` throws.
   */
  async receive<T>(
    request: OutboundRequest,
    consume: (response: IncomingResponse) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal: outer } = request
    outer?.throwIfAborted()
    try {
      return await withDeadline(this.#options.clock, timeoutMs, outer, signal =>
        this.#exchange(request, signal, consume),
      )
    } catch (error) {
      outer?.throwIfAborted()
      throw error
    }
  }

  /** Ends all connections; requests that are under way fail. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(pool => pool.destroy().catch(() => undefined)))
  }

  async #exchange<T>(
    request: OutboundRequest,
    signal: AbortSignal,
    consume: (response: IncomingResponse) => Promise<T>,
  ): Promise<T> {
    // Until there is a connection undici does not look at the signal.
    const response = await unlessAborted(this.#dispatch(request, signal), signal).catch(error => {
      throw toOutboundError(error)
    })
    try {
      const result = await consume({
        status: response.statusCode,
        headers: flat(response.headers),
        body: bounded(response, request.maxBytes ?? DEFAULT_MAX_BYTES),
      })
      // Before a connection is used again undici lets a turn pass: whoever asks next without waiting for it would open another.
      await nextTurn()
      return result
    } finally {
      if (!response.body.readableEnded) response.body.on('error', () => undefined).destroy()
    }
  }

  async #dispatch(request: OutboundRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { target, method, path, headers, body, line = 'short' } = request
    const send = () =>
      this.#poolOf(target, line).request({
        method,
        path,
        headers: { 'user-agent': this.#options.userAgent, ...headers, host: target.hostHeader },
        body: body ?? null,
        signal,
      })
    try {
      return await send()
    } catch (error) {
      // GET and PUT are idempotent in every API that we call, so that repeating one that may have arrived is safe.
      if (signal.aborted || method === 'POST' || !isStaleConnection(error)) throw error
      return await send()
    }
  }

  #poolOf(target: Target, line: Line): Pool {
    const key = poolKey(target, line)
    const known = this.#pools.get(key)
    if (known !== undefined) return known
    const { connectionsPerTarget, idleTimeoutMs, keepAliveMs } = this.#options
    const connect = createConnector(target, { ...this.#options, roots: () => this.#roots() })
    // The origin is a stand-in: where to connect and whom to greet is the target's matter, and not every server
    // name has a form that a URL may have.
    const pool = new (loadPool())(`${target.protocol ?? 'https:'}//target.invalid`, {
      connect: connectBy(connect),
      connections: connectionsPerTarget,
      allowH2: false,
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
    })
    this.#pools.set(key, pool)
    return pool
  }

  #roots(): SecureContext {
    return trustedRoots(this.#options.extraCa)
  }
}
