import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../core/clock.ts'
import { linger, mustCloseAfter } from './body.ts'
import { CORS_HEADERS } from './cors.ts'
import type { Reply } from './reply.ts'

/**
 * Writes a reply. Resolves when it is handed to the socket; streams resolve at their end. A stream that fails half
 * way breaks the connection, since a status can no longer be changed. Nothing is written to a client that has gone.
 */
export const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  clock: Clock,
): Promise<void> => {
  const { body } = reply
  if (response.destroyed || response.headersSent) {
    if (isStream(body)) destroy(body)
    return
  }
  const headers = headersOf(reply)
  const closes = mustCloseAfter(request)
  if (closes) headers.push('Connection', 'close')
  if (!isStream(body)) {
    // Of a 304 it would be the length of what is not sent.
    const length = Buffer.byteLength(body)
    if (reply.status !== 304) headers.push('Content-Length', length)
    if (length > LARGE) breakWhenStalled(response)
    response.writeHead(reply.status, headers)
    if (!closes) {
      response.end(body)
      return
    }
    response.write(body)
    // Not waited for: the response is out, and its end closes the connection.
    void linger(request, clock).then(() => response.end())
    return
  }
  response.writeHead(reply.status, headers)
  if (request.method === 'HEAD') {
    destroy(body)
    response.end()
    return
  }
  breakWhenStalled(response)
  await pipeline(body, response)
}

/** What is longer may not fit into what the system keeps of a connection, and stays in memory until it is taken. Bytes. */
const LARGE = 65_536

/** So long whoever is sent something may take nothing of it. Players that were paused ask for the rest. Milliseconds. */
const STALLED_MS = 120_000

/**
 * Breaks off what is being sent to somebody who takes nothing of it any more: it, or what it is read from, would be held for as long as they
 * like.
 * Where it is we who have nothing to send yet, they wait.
 */
export const breakWhenStalled = (
  response: Pick<
    ServerResponse,
    'setTimeout' | 'prependOnceListener' | 'writableNeedDrain' | 'writableEnded' | 'destroy'
  >,
): void => {
  response.setTimeout(STALLED_MS, () => {
    if (response.writableNeedDrain || response.writableEnded) response.destroy()
  })
  // It holds for the connection, and would end what is waited for next on it. Before Node sets the time that idle ones are kept.
  response.prependOnceListener('finish', () => response.setTimeout(0))
}

const COMMON_HEADERS = { ...CORS_HEADERS, 'Cache-Control': 'no-store' }
const COMMON_LIST = Object.entries(COMMON_HEADERS).flat()

/**
 * Names and values in turn: of an object with members of its own for each reply V8 would learn a new shape each time, here and where
 * Node goes through it.
 */
const headersOf = ({ contentType, headers }: Reply): (string | number)[] =>
  Object.keys(headers).length === 0
    ? [...COMMON_LIST, 'Content-Type', contentType]
    : Object.entries({ ...COMMON_HEADERS, 'Content-Type': contentType, ...headers }).flat()

type Stream = Readable | AsyncIterable<string | Uint8Array>

const isStream = (body: Reply['body']): body is Stream =>
  typeof body !== 'string' && !(body instanceof Uint8Array)

const destroy = (body: Stream): void => {
  if (body instanceof Readable) body.destroy()
}
