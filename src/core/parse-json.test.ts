import test from 'ava'
import fc from 'fast-check'
import { strictJson } from '../test-kit/arbitrary-json.ts'
import { randomRuns } from '../test-kit/random-runs.ts'
import { canonicalJsonAsRead, checkStrictNumbers } from './canonical-json.ts'
import { isJsonObject, type JsonValue, ownMember } from './json.ts'
import { JsonParseError, MAX_PARSE_DEPTH, numberSource, parseJson } from './parse-json.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

test('parses what JSON.parse parses, and refuses the rest with one error', t => {
  const text = fc.oneof(
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
      const value = parseJson(source)
      // The engine may take keys that are written with escapes for others.
      if (!source.includes('\\')) t.is(JSON.stringify(value), JSON.stringify(expected))
    }),
    { numRuns: randomRuns(200) },
  )
  fc.assert(
    fc.property(strictJson, value => {
      t.is(JSON.stringify(parseJson(JSON.stringify(value, null, 1))), JSON.stringify(value))
    }),
    { numRuns: randomRuns(100) },
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

test('a key written with an escape is read as what it means, whatever keys were read before', t => {
  // V8 guesses keys from earlier objects and compares its guess with the source text: see parse-plainly.ts.
  const keys = fc.constantFrom(
    '\\',
    '\0',
    '"',
    '\n',
    '\\\\',
    '\\u0000',
    'a',
    'a\\',
    'a"',
    '',
    '__proto__',
    '1',
    '\u{1f375}',
  )
  const { value } = fc.letrec<{ value: JsonValue }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(true, null, 0, -5, 1e21, 'text', '\\', '\0'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map(entries => objectOf(entries)),
    ),
  }))
  fc.assert(
    fc.property(value, given => {
      t.true(isSame(parseJson(JSON.stringify(given)), given))
      t.true(isSame(parseJson(JSON.stringify(given, undefined, 2)), given))
    }),
    { numRuns: randomRuns(150) },
  )
})

test('numbers keep their source beside keys written with escapes, too', t => {
  t.throws(() => parseJson('{"\\u0061":1.0}', { strictNumbers: true }), { instanceOf: JsonParseError })
  t.false(checkStrictNumbers(parseJson('{"\\u0061":1.0}')))
  t.true(checkStrictNumbers(parseJson('{"\\u0061":[1,-2]}')))
  for (const bad of ['{"\\u0061":}', '{"\\u0061" 1}', '{"\\x":1}', '{"\\u0061":1']) {
    t.throws(() => parseJson(bad), { instanceOf: JsonParseError })
  }
})

const objectOf = (entries: readonly (readonly [string, JsonValue])[]): JsonValue => {
  const object = {}
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return object
}

const isSame = (a: JsonValue | undefined, b: JsonValue | undefined): boolean => {
  if (!isJsonObject(a) || !isJsonObject(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return a === b
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]))
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => Object.hasOwn(b, key) && isSame(ownMember(a, key), ownMember(b, key)))
  )
}

test('a number that is not canonical has no reviver called for each of the others', t => {
  const { parse } = JSON
  let revivers = 0
  // Nothing else runs before it is put back.
  JSON.parse = (text, reviver) => {
    if (reviver !== undefined) revivers++
    return parse(text, reviver)
  }
  try {
    parseJson('[1.0,0,0]')
  } finally {
    JSON.parse = parse
  }
  t.is(revivers, 0)
})

test('numbers keep their source where it is not how they are written anyway', t => {
  const text = '[1.5,1.0,{"0":2e3,"a":-0.25},0,-0,1e+21,12345678901234567890]'
  const value = parseJson(text) as JsonValue[]
  t.deepEqual(
    [0, 1, 3, 4].map(index => numberSource(value, index, value[index] as number)),
    [undefined, '1.0', undefined, '-0'],
  )
  t.is(canonicalJsonAsRead(value), text)
})
