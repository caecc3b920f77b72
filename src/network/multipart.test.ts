import test from 'ava'
import { array, assert, asyncProperty, constantFrom, nat, string, tuple, uint8Array } from 'fast-check'
import { randomRuns } from '../test-kit/random-runs.ts'
import { boundaryOf, MultipartError, readMultipart } from './multipart.ts'

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? bytes.length)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const read = async (text: string | Uint8Array, sizes: readonly number[] = []) => {
  const parts: [Record<string, string>, string][] = []
  for await (const { headers, body } of readMultipart(pieces(Buffer.from(text), sizes), 'B')) {
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk)
    parts.push([Object.fromEntries(headers), Buffer.concat(chunks).toString('latin1')])
  }
  return parts
}

const GOOD =
  '--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B \r\nX-A:  b \r\n\r\nline\r\n-\r\n--B--\r\n'
const PARTS = [
  [{ 'content-type': 'application/json' }, '{}'],
  [{ 'x-a': 'b' }, 'line\r\n-'],
]

test('parts are read wherever the pieces break', async t => {
  for (const size of [1, 2, 3, 5, 7, 1_000]) {
    t.deepEqual(await read(GOOD, [size]), PARTS as never)
    t.deepEqual(await read(`preamble\r\n${GOOD}`, [size]), PARTS as never)
    t.deepEqual(await read(`\r\n${GOOD}epilogue`, [size]), PARTS as never)
  }
  t.deepEqual(await read('--B\r\n\r\nno headers\r\n--B--'), [[{}, 'no headers']])
  t.deepEqual(await read('--B--'), [])
})

test('what breaks off, does not begin, or is malformed is refused', async t => {
  for (let length = 0; length < GOOD.length - 2; length++) {
    await t.throwsAsync(read(GOOD.slice(0, length), [9]), { instanceOf: MultipartError }, `cut at ${length}`)
  }
  const cases = [
    `${'x'.repeat(2_000)}\r\n${GOOD}`,
    '--Bx\r\n\r\n\r\n--B--',
    '--B\r\nno header\r\n\r\n\r\n--B--',
    '--B\r\nA: 1\r\na: 2\r\n\r\n\r\n--B--',
    '--B\r\nA: 1\r\n folded\r\n\r\n\r\n--B--',
    '--B\r\nA: 1\n\r\n\r\n\r\n--B--',
    `--B\r\nA: ${'x'.repeat(20_000)}\r\n\r\n\r\n--B--`,
    `--B${' '.repeat(200)}\r\n\r\n\r\n--B--`,
  ]
  for (const each of cases) await t.throwsAsync(read(each), { instanceOf: MultipartError }, each.slice(0, 40))
})

test('a part that is not read to its end is passed over', async t => {
  const seen: string[] = []
  for await (const { headers, body } of readMultipart(pieces(Buffer.from(GOOD), [4]), 'B')) {
    seen.push(...headers.keys())
    for await (const _first of body) break
  }
  t.deepEqual(seen, ['content-type', 'x-a'])
})

test('any bytes come through as they are; whatever else comes ends in an error or in parts', async t => {
  await assert(
    asyncProperty(uint8Array({ maxLength: 300 }), array(nat(40), { maxLength: 5 }), async (bytes, sizes) => {
      const hasDelimiter = Buffer.from(bytes).includes('\r\n--B')
      const message = Buffer.concat([Buffer.from('--B\r\n\r\n'), bytes, Buffer.from('\r\n--B--')])
      if (!hasDelimiter) t.is((await read(message, sizes))[0]?.[1], Buffer.from(bytes).toString('latin1'))
    }),
    { numRuns: randomRuns(100) },
  )
  const token = constantFrom('\r\n', '--B', '--', '\r', '\n', ':', 'a', ' ', '-', '\r\n--B', '\0')
  await assert(
    asyncProperty(tuple(array(token, { maxLength: 40 }), nat(7)), async ([tokens, size]) => {
      try {
        t.true(Array.isArray(await read(tokens.join(''), [size])))
      } catch (error) {
        t.true(error instanceof MultipartError)
      }
    }),
    { numRuns: randomRuns(300) },
  )
})

test('the boundary is taken from the header, and nothing else', async t => {
  t.is(boundaryOf('multipart/mixed; boundary=abc'), 'abc')
  t.is(boundaryOf('Multipart/Mixed; charset=x; Boundary="a b\'c"'), "a b'c")
  for (const bad of [
    '',
    'text/plain',
    'multipart/mixed',
    'multipart/form-data; boundary=a',
    'multipart/mixed; boundary=""',
    'multipart/mixed; boundary="a "',
    `multipart/mixed; boundary=${'a'.repeat(71)}`,
    'multipart/mixed; xboundary=a',
  ])
    t.throws(() => boundaryOf(bad), { instanceOf: MultipartError }, bad)
  await assert(
    asyncProperty(string({ maxLength: 60 }), async text => {
      try {
        t.true(boundaryOf(`multipart/mixed;${text}`).length > 0)
      } catch (error) {
        t.true(error instanceof MultipartError)
      }
    }),
  )
})
