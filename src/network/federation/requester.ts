import { canonicalJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { hasMoreValues, JsonParseError, parseJson } from '../../core/parse-json.ts'
import type { SigningKey } from '../../core/signing.ts'
import { unlessAborted } from '../deadline.ts'
import type { HttpClient, IncomingResponse, Line, OutboundRequest, OutboundResponse } from '../http-client.ts'
import { OutboundError } from '../outbound-error.ts'
import { authorizationHeader } from '../request-signature.ts'
import type { ServerDiscovery } from '../server-discovery.ts'
import { FederationError } from './federation-error.ts'
import { ShapeError } from './shape.ts'

/** What every call may set for itself. */
export interface CallOptions {
  /** From connecting to the last byte, in milliseconds. Discovery has its own bounds. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface FederationRequest<T> extends CallOptions {
  readonly destination: string
  readonly method: 'GET' | 'PUT' | 'POST'
  /** Percent-encoded, see `pathOf`. */
  readonly path: string
  /** `undefined` members are left out, a list repeats its parameter. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  /** A PUT or POST without either body sends `{}`. */
  readonly body?: JsonObject
  /** Instead of `body`: canonical JSON, which is sent and signed as it is. */
  readonly canonicalBody?: string
  /** `false` for the few endpoints that anybody may call. */
  readonly signed?: boolean
  /** The largest response that is read, in bytes. */
  readonly maxBytes?: number
  /** By which connections it goes: by default what is read while it comes is long, all else short. */
  readonly line?: Line
  /** Reads the body of a successful response; throws `ShapeError`. */
  readonly parse: (body: JsonValue) => T
}

/** A request whose response is read while it comes. */
export type StreamedRequest = Omit<FederationRequest<never>, 'parse'>

/** Sends one request to a homeserver. */
export interface Requester {
  /**
   * @returns what `parse` made of the response.
   * @throws {FederationError} and the signal's reason when it is aborted.
   */
  request<T>(request: FederationRequest<T>): Promise<T>
  /**
   * Lends a successful response to `consume` while it comes; the time-out holds until that has ended. However long that takes,
   * no short request waits for it.
   *
   * @throws {FederationError} and the signal's reason when it is aborted; and what `consume` throws.
   */
  receive<T>(request: StreamedRequest, consume: (response: IncomingResponse) => Promise<T>): Promise<T>
}

export interface RequesterOptions {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly discovery: Pick<ServerDiscovery, 'resolve'>
  readonly http: Pick<HttpClient, 'request' | 'receive'>
  /** Whether we talk to a server at all: the operator's allow and deny lists. Everybody if not given. */
  readonly permits?: (serverName: string) => boolean
}

/** Identifiers come from peers, too: a lone surrogate, which has no encoding, becomes U+FFFD and is not found. */
const encode = (value: string): string => encodeURIComponent(value.toWellFormed())

/** A path from a template: each value is percent-encoded, ``pathOf`/a/${id}` `` → `/a/!id`. */
export const pathOf = (parts: TemplateStringsArray, ...values: string[]): string =>
  String.raw({ raw: parts }, ...values.map(encode))

const uriOf = ({ path, query = {} }: Pick<FederationRequest<unknown>, 'path' | 'query'>): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return []
    const values = Array.isArray(value) ? value : [value]
    return values.map(one => `${name}=${encode(String(one))}`)
  })
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** What is read in one go, a few tenths of a second at most, has no more values than this. Longer lists are read by `json-lists.ts`. */
const MAX_VALUES = 1_000_000

/** @throws {ShapeError} */
const parseBody = (body: Uint8Array): JsonValue => {
  try {
    const text = decoder.decode(body)
    if (hasMoreValues(text, MAX_VALUES)) throw new ShapeError(`more than ${MAX_VALUES} values`)
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof ShapeError) throw cause
    if (cause instanceof JsonParseError) throw new ShapeError(cause.message, { cause })
    throw new ShapeError('not UTF-8', { cause })
  }
}

/** The body of an error response, if it is an object at all: proxies answer with web pages. */
const errorFields = (body: Uint8Array): JsonObject => {
  try {
    const fields = parseBody(body)
    return isJsonObject(fields) ? fields : {}
  } catch {
    return {}
  }
}

const retryAfterMs = (fields: JsonObject, headers: OutboundResponse['headers']): number | undefined => {
  const header = headers['retry-after'] ?? ''
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const member = fields['retry_after_ms']
  return typeof member === 'number' && member >= 0 && Number.isSafeInteger(member) ? member : undefined
}

const errorResponse = (destination: string, { status, headers, body }: OutboundResponse): FederationError => {
  const fields = errorFields(body)
  const { errcode, error } = fields
  const message = typeof error === 'string' ? error.slice(0, 1_000) : `status ${status}`
  return new FederationError('response', destination, message, {
    status,
    errcode: typeof errcode === 'string' ? errcode.slice(0, 100) : undefined,
    fields,
    retryAfterMs: retryAfterMs(fields, headers),
  })
}

/** Failures on the way keep their kind, except that an error response which is too large is still that response. */
const onTheWay = (destination: string, error: OutboundError): FederationError => {
  const { status = 0 } = error
  const kind = error.kind === 'too-large' && status >= 300 ? 'response' : error.kind
  return new FederationError(kind, destination, error.message, { status: error.status, cause: error })
}

/** Finds the server, and signs. */
const prepare = async (
  { serverName: origin, signingKey, discovery }: RequesterOptions,
  request: StreamedRequest,
  accept: string,
): Promise<OutboundRequest> => {
  const { destination, method, timeoutMs, maxBytes, line, signal } = request
  const target = await unlessAborted(discovery.resolve(destination), signal)
  const body = method === 'GET' ? undefined : (request.canonicalBody ?? canonicalJson(request.body ?? {}))
  const uri = uriOf(request)
  const parts = { method, uri, origin, destination }
  return {
    target,
    method,
    path: uri,
    headers: {
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(request.signed === false ? {} : { authorization: authorizationHeader(parts, signingKey, body) }),
    },
    ...(body === undefined ? {} : { body }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    line,
    signal,
  }
}

/** Makes the requester: discovery, signature, and the meaning of failures. */
export const createRequester = (options: RequesterOptions): Requester => {
  const { serverName: origin, http, permits = () => true } = options

  /** Gives the failures of an exchange their meaning. */
  const meaning = async <T>(request: StreamedRequest, exchange: () => Promise<T>): Promise<T> => {
    const { destination, signal } = request
    signal?.throwIfAborted()
    if (destination === origin) throw new FederationError('denied', destination, 'that is this server')
    if (!permits(destination)) throw new FederationError('denied', destination, 'not federated with')
    try {
      return await exchange()
    } catch (error) {
      if (error instanceof OutboundError) throw onTheWay(destination, error)
      if (error instanceof ShapeError) {
        throw new FederationError('malformed', destination, error.message, { cause: error })
      }
      throw error
    }
  }

  const request = <T>(request: FederationRequest<T>): Promise<T> =>
    meaning(request, async () => {
      const response = await http.request(await prepare(options, request, 'application/json'))
      if (response.status < 200 || response.status >= 300) throw errorResponse(request.destination, response)
      return request.parse(parseBody(response.body))
    })

  const receive = <T>(
    request: StreamedRequest,
    consume: (response: IncomingResponse) => Promise<T>,
  ): Promise<T> =>
    meaning(request, async () =>
      http.receive(await prepare(options, { line: 'long', ...request }, '*/*'), async response => {
        if (response.status >= 200 && response.status < 300) return await consume(response)
        const body = await readError(response)
        throw errorResponse(request.destination, { ...response, body })
      }),
    )

  return { request, receive }
}

/** As much of an error response as anybody needs. */
const MAX_ERROR = 65_536

const readError = async ({ body }: IncomingResponse): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_ERROR) break
  }
  return Buffer.concat(chunks)
}
