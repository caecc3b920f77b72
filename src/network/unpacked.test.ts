import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import test from 'ava'
import type { IncomingResponse } from './http-client.ts'
import { OutboundError } from './outbound-error.ts'
import { unpacked } from './unpacked.ts'

async function* inPieces(bytes: Buffer, size = 7): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const response = (encoding: string, body: AsyncIterable<Buffer>): IncomingResponse => ({
  ...{ status: 200, headers: { 'content-type': 'text/html', 'content-encoding': encoding }, body },
})

test('what comes packed is read as it is meant', async t => {
  const page = Buffer.from('<title>Tea</title>'.repeat(50))
  for (const [encoding, packed] of [
    ['gzip', gzipSync(page)],
    [' X-GZIP', gzipSync(page)],
    ['deflate', deflateSync(page)],
    ['br', brotliCompressSync(page)],
  ] as const) {
    const { headers, body } = unpacked(response(encoding, inPieces(packed)))
    t.deepEqual(headers, { 'content-type': 'text/html' }, encoding)
    t.deepEqual(await buffer(body), page, encoding)
  }
  for (const encoding of ['', 'identity', 'zstd', 'gzip, br']) {
    const given = response(encoding, inPieces(page))
    t.is(unpacked(given), given)
  }
})

test('what is packed wrongly, or breaks off, is no answer', async t => {
  const whole = gzipSync(Buffer.alloc(1_000))
  for (const [encoding, bytes] of [
    ['gzip', Buffer.from('<title>Tea</title>')],
    ['br', Buffer.from('<title>Tea</title>')],
    ['deflate', Buffer.from('<title>Tea</title>')],
    ['gzip', whole.subarray(0, -10)],
  ] as const) {
    const { body } = unpacked(response(encoding, inPieces(bytes)))
    t.is((await t.throwsAsync(buffer(body), { instanceOf: OutboundError }))?.kind, 'unreachable', encoding)
  }
  const broken = unpacked(
    response(
      'gzip',
      (async function* () {
        yield whole.subarray(0, 10)
        throw new OutboundError('timeout', 'slow')
      })(),
    ),
  )
  t.is((await t.throwsAsync(buffer(broken.body), { instanceOf: OutboundError }))?.kind, 'timeout')
})

test('a little that becomes very much is unpacked as far as it is read', async t => {
  const member = gzipSync(Buffer.alloc(1024 * 1024))
  const members = 10_000
  let sent = 0
  const ended = Promise.withResolvers<void>()
  const { body } = unpacked(
    response(
      'gzip',
      (async function* () {
        try {
          for (; sent < members; sent++) yield member
        } finally {
          ended.resolve()
        }
      })(),
    ),
  )
  let read = 0
  for await (const piece of body) {
    read += piece.length
    if (read > 100_000) break
  }
  await ended.promise
  t.true(sent < members, 'whoever sends it is told to stop')
})
