import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createInflate, createUnzip } from 'node:zlib'
import type { IncomingResponse } from './http-client.ts'
import { OutboundError } from './outbound-error.ts'

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createUnzip],
  ['x-gzip', createUnzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/**
 * A response whose body comes as it is meant: nobody here asks for packed ones, but where pages are stored packed they are sent so
 * all the same. One in a packing that is not known here, or in several, stays as it is. Unpacking goes no further than is read.
 */
export const unpacked = (response: IncomingResponse): IncomingResponse => {
  const { 'content-encoding': encoding = '', ...headers } = response.headers
  const decoder = DECODERS.get(encoding.trim().toLowerCase())
  return decoder === undefined ? response : { ...response, headers, body: through(decoder(), response.body) }
}

async function* through(decoder: Transform, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // What goes wrong is thrown where the decoder is read.
  pipeline(Readable.from(body), decoder, () => undefined)
  try {
    yield* decoder
  } catch (error) {
    if (!isOfPacking(error)) throw error
    throw new OutboundError('unreachable', 'what came packed cannot be unpacked', { cause: error })
  }
}

const isOfPacking = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(?:Z_|ERR_.*BROTLI|ERR__ERROR)/.test(String(error.code))
