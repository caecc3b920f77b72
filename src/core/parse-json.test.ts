import test from 'ava'
import fc from 'fast-check'
import { strictJson } from '../test-kit/arbitrary-json.ts'
import { JsonParseError, MAX_PARSE_DEPTH, parseJson } from './parse-json.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

test('parses what JSON.parse parses, and refuses the rest with one error', t => {
  const text = fc.oneof(
    strictJson.map(value => JSON.stringify(value, null, 1)),
    fc.string({ maxLength: 20 }),
    fc
      .array(fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', '1', '-', '.', 'e', 'true', ' '), {
        maxLength: 12,
      })
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, source => {
      let expected: unknown
      try {
        expected = JSON.parse(source)
      } catch {
        t.is(t.throws(() => parseJson(source), { instanceOf: JsonParseError })?.reason, 'syntax')
        return
      }
      t.is(JSON.stringify(parseJson(source)), JSON.stringify(expected))
    }),
    { numRuns: 1000 },
  )
})

test('limits the depth before parsing, and counts no brackets in strings', t => {
  t.notThrows(() => parseJson(nested(MAX_PARSE_DEPTH)))
  t.is(
    t.throws(() => parseJson(nested(MAX_PARSE_DEPTH + 1)), { instanceOf: JsonParseError })?.reason,
    'depth',
  )
  t.is(t.throws(() => parseJson('{"a":'.repeat(1e6)), { instanceOf: JsonParseError })?.reason, 'depth')
  t.is(t.throws(() => parseJson('[[1]]', { maxDepth: 1 }), { instanceOf: JsonParseError })?.reason, 'depth')
  t.deepEqual(parseJson('["[[[[", "\\"[[\\\\", [1]]', { maxDepth: 2 }), ['[[[[', '"[[\\', [1]])
  t.deepEqual(parseJson('[[1],[2],[3]]', { maxDepth: 2 }), [[1], [2], [3]])
})
