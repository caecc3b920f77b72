import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { MatrixError } from '../core/errors.ts'
import type { JsonValue } from '../core/json.ts'
import { JsonParseError, parseJson } from '../core/parse-json.ts'

/** How long a JSON body may take to arrive, in milliseconds. */
const BODY_TIME_LIMIT = 60_000

/** After a body of up to this many bytes that nobody wants, the connection is good for another request. */
const DRAIN_LIMIT = 1_048_576

/** The client went away, or broke off, before its request was complete: there is nobody to answer. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted'
}

/**
 * Reads a request's body into memory. Most bodies come with their headers, and are there by the first turn of promises after
 * these: they are taken as they are, without listeners and what a stream does at its end.
 *
 * @param limit largest size in bytes, whether declared or not.
 * @throws {MatrixError} `M_TOO_LARGE` (413), or 408 when the body takes too long.
 * @throws {RequestAborted} when the connection ends first.
 */
export const readBody = async (request: IncomingMessage, limit: number, clock: Clock): Promise<Buffer> => {
  const declared = request.headers['content-length']
  // Where none was announced, no event says that there is none (`optimizeEmptyRequests`).
  if (declared === undefined && request.readableEnded) return Buffer.alloc(0)
  if (Number(declared ?? 0) > limit) throw tooLarge(limit)
  // Nor does any say so again that the client has gone while it was found out who asks.
  if (request.destroyed) throw new RequestAborted('the connection ended')
  const size = Number(declared)
  if (request.readableLength !== size) return collect(request, limit, clock)
  // Without its size, from Node.js 26 on, only the first piece would come.
  return (request.read(size) as Buffer | null) ?? Buffer.alloc(0)
}

/** What comes of a body, until it ends. */
const collect = (request: IncomingMessage, limit: number, clock: Clock): Promise<Buffer> =>
  new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let settled = false
    let timer: AbortController | undefined
    const settle = (finish: () => void): void => {
      if (settled) return
      settled = true
      request.removeListener('data', onData)
      timer?.abort(SETTLED)
      finish()
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else settle(() => reject(tooLarge(limit)))
    }
    request.on('data', onData)
    request.on('end', () =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))),
    )
    request.on('error', () => settle(() => reject(new RequestAborted('the connection broke'))))
    request.on('close', () => settle(() => reject(new RequestAborted('the connection ended'))))
    // Most bodies arrive with their headers: a timer is for those that do not.
    if (request.complete) return
    setImmediate(() => {
      if (settled) return
      timer = new AbortController()
      clock.sleep(BODY_TIME_LIMIT, timer.signal).then(
        () => settle(() => reject(tooSlow())),
        () => {},
      )
    })
  })

/** How long a streamed body may pause, in milliseconds. */
const STREAM_PAUSE_LIMIT = 60_000

/**
 * A request's body as it comes, for whoever stores it. Whoever stops reading half way leaves the connection open, so
 * that the client gets to read why. Its length is for the reader to judge.
 *
 * The iterator throws `RequestAborted` when the connection ends first, and a `MatrixError` with 408 when it pauses
 * for too long.
 */
export async function* streamBody(request: IncomingMessage, clock: Clock): AsyncGenerator<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const next = await withinPause(chunks.next(), clock)
      if (next.done) return
      yield next.value as Buffer
    }
  } catch (error) {
    if (error instanceof MatrixError) throw error
    throw new RequestAborted('the connection ended')
  } finally {
    // Not waited for: where the client is silent, it does not end.
    void chunks.return?.()?.catch(() => {})
  }
}

const withinPause = async <T>(next: Promise<T>, clock: Clock): Promise<T> => {
  const timer = new AbortController()
  // A pause can outlast the interest in it.
  next.catch(() => {})
  try {
    return await Promise.race([
      next,
      clock.sleep(STREAM_PAUSE_LIMIT, timer.signal).then(() => Promise.reject(tooSlow())),
    ])
  } finally {
    timer.abort(SETTLED)
  }
}

/** Given to `abort`, which would otherwise make an error with a stack. */
const SETTLED = 'settled'

const tooLarge = (limit: number): MatrixError =>
  new MatrixError('M_TOO_LARGE', `The body is larger than ${limit} bytes`)

const tooSlow = (): MatrixError =>
  new MatrixError('M_UNKNOWN', 'The body took too long to arrive', { status: 408 })

/** A body as text. "All JSON data must be encoded using UTF-8." @throws {MatrixError} `M_NOT_JSON` */
export const textOf = (bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw new MatrixError('M_NOT_JSON', 'The body is not UTF-8')
  return bytes.toString('utf8')
}

/**
 * What a body says. Nothing, if `required` is false, reads as `{}`: some clients omit a body whose members are all optional.
 *
 * @throws {MatrixError} `M_NOT_JSON`, for text that is no JSON, and for nesting deeper than `maxDepth`.
 */
export const parseBody = (text: string, options: { required: boolean; maxDepth: number }): JsonValue => {
  if (text === '' && !options.required) return {}
  try {
    return parseJson(text, { maxDepth: options.maxDepth })
  } catch (error) {
    if (!(error instanceof JsonParseError)) throw error
    const problem = error.reason === 'depth' ? 'The body nests too deeply' : 'The body is not JSON'
    throw new MatrixError('M_NOT_JSON', problem, { cause: error })
  }
}

/**
 * What to do with a body that was not read when the response is ready. A short one is swallowed and the connection
 * goes on; after anything else it must be closed (answers true), by way of `linger`.
 */
export const mustCloseAfter = (request: IncomingMessage): boolean => {
  if (request.complete) return false
  const declared = request.headers['content-length']
  if (declared === undefined) return request.headers['transfer-encoding'] !== undefined
  if (Number(declared) > DRAIN_LIMIT) return true
  request.resume()
  return false
}

/** How much of a long body is read on for the sake of its sender, and for how many milliseconds. */
const LINGER = { bytes: 134_217_728, ms: 10_000 }

/**
 * Reads on, after the response was written, what its sender goes on sending, and throws it away. Resolves at the end of the
 * request or of the connection, or when it was enough. "If a server performs an immediate close of a TCP connection,
 * there is a significant risk that the client will not be able to read the last HTTP response" (RFC 9112, section 9.6).
 */
export const linger = async (request: IncomingMessage, clock: Clock): Promise<void> => {
  const enough = new AbortController()
  const stop = (): void => enough.abort(SETTLED)
  let swallowed = 0
  request.on('data', (chunk: Buffer) => {
    swallowed += chunk.length
    if (swallowed > LINGER.bytes) stop()
  })
  for (const event of ['end', 'error', 'close']) request.on(event, stop)
  request.resume()
  await clock.sleep(LINGER.ms, enough.signal).catch(() => {})
}
