import test from 'ava'
import { walk } from 'canonical-json'
import fc from 'fast-check'
import { anyJson, anyText, objectOf, strictJson } from '../test-kit/arbitrary-json.ts'
import { randomRuns } from '../test-kit/random-runs.ts'
import {
  CanonicalJsonError,
  canonicalJson,
  checkStrictNumbers,
  compareCodePoints,
  MAX_CANONICAL_DEPTH,
  parseJson,
  portableJson,
} from './canonical-json.ts'
import { isJsonObject, type JsonValue } from './json.ts'

/** UTF-8 keeps the order of code points, so bytes are an independent judge. */
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const oracle = (value: JsonValue): string => {
  let text = ''
  walk(
    value,
    chunk => {
      text += chunk
    },
    compareBytes,
  )
  return text
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** The appendix's examples: source → canonical. */
const EXAMPLES: readonly (readonly [string, string])[] = [
  ['{}', '{}'],
  ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
  ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
  [
    `{"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {"display_name": "John Doe",
      "three_pids": [{"medium": "email", "address": "john.doe@example.org"},
                     {"medium": "msisdn", "address": "123456789"}]}}}`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{"a": "日本語"}', '{"a":"日本語"}'],
  ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
  ['{"a": "\\u65E5"}', '{"a":"日"}'],
  ['{"a": null}', '{"a":null}'],
  ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
]

for (const [source, expected] of EXAMPLES) {
  test(`the appendix encodes ${source.slice(0, 40)}`, t => {
    t.is(canonicalJson(parseJson(source)), expected)
  })
}

test('agrees with the reference walk on any value', t => {
  fc.assert(
    fc.property(strictJson, value => canonicalJson(value) === oracle(value)),
    { numRuns: randomRuns(200) },
  )
  t.pass()
})

test('orders as many members as there are', t => {
  const isOrdered = (names: string[]) => {
    const object = objectOf(names.map(name => [name, 1]))
    return canonicalJson(object) === oracle(object)
  }
  const many = fc.uniqueArray(anyText, { minLength: 30, maxLength: 70 })
  fc.assert(fc.property(many, isOrdered), { numRuns: randomRuns(50) })
  t.pass()
})

test('says the same value, once, whatever the order of members', t => {
  const reversed = (value: JsonValue): JsonValue =>
    isJsonObject(value)
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, item]) => [key, reversed(item as JsonValue)]),
        )
      : Array.isArray(value)
        ? value.map(reversed)
        : (value as JsonValue)
  fc.assert(
    fc.property(strictJson, value => {
      const text = canonicalJson(value)
      // Not by the engine, which may take keys for others: see parse-plainly.ts.
      t.deepEqual(parseJson(text), value)
      t.is(canonicalJson(reversed(value)), text)
      t.is(canonicalJson(parseJson(text)), text)
    }),
  )
})

test('keys: by code point, integer-like ones as text, __proto__ as a member', t => {
  const object = JSON.parse(
    '{"\\ud800\\udc00":1,"\\uffff":2,"\\ue000":3,"10":4,"9":5,"__proto__":{"a":1},"Z":6}',
  )
  t.is(canonicalJson(object), '{"10":4,"9":5,"Z":6,"__proto__":{"a":1},"\ue000":3,"\uffff":2,"\u{10000}":1}')
  fc.assert(
    fc.property(anyText, anyText, (a, b) => Math.sign(compareCodePoints(a, b)) === compareBytes(a, b)),
  )
})

test('escapes only what must be, in the shortest form', t => {
  t.is(
    canonicalJson('"\\/\b\t\n\f\r\u0000\u001f\u007f\u2028é\u{1f600}'),
    '"\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028é\u{1f600}"',
  )
})

test('refuses what has no encoding', t => {
  const refused: unknown[] = [
    '\ud800',
    { '\udc00': 1 },
    ['a\ud83d'],
    Number.NaN,
    { a: Number.POSITIVE_INFINITY },
    [undefined],
    undefined,
    1n,
    Symbol('x'),
    { a: () => 1 },
    JSON.parse(nested(MAX_CANONICAL_DEPTH + 1)),
  ]
  for (const value of refused) {
    t.throws(() => canonicalJson(value as JsonValue), { instanceOf: CanonicalJsonError })
  }
  t.is(canonicalJson(JSON.parse(nested(MAX_CANONICAL_DEPTH))), nested(MAX_CANONICAL_DEPTH))
  t.is(canonicalJson({ a: undefined, b: 1 }), '{"b":1}')
})

test('throws nothing but its own error', t => {
  // Without how its numbers were written.
  const meaning = (text: string): unknown => structuredClone(parseJson(text))
  fc.assert(
    fc.property(anyJson, value => {
      try {
        t.deepEqual(meaning(canonicalJson(value)), meaning(JSON.stringify(value)))
      } catch (error) {
        t.true(error instanceof CanonicalJsonError, String(error))
      }
    }),
  )
})

test('lenient numbers keep the digits of integers, and write no exponent where none is needed', t => {
  const source =
    '{"a":9223372036854775807,"b":1e21,"c":-12345678901234567890,"d":50.57,"e":1.0,"f":-0,"g":[18014398509481985]}'
  t.is(
    canonicalJson(parseJson(source)),
    '{"a":9223372036854775807,"b":1000000000000000000000,"c":-12345678901234567890,"d":50.57,"e":1,"f":0,"g":[18014398509481985]}',
  )
  t.throws(() => canonicalJson(parseJson('[1e999]')), { instanceOf: CanonicalJsonError })
})

test('what goes to others holds no number that they would write in another way', t => {
  const same = '{"a":9223372036854775807,"b":50.57,"c":0.0001,"d":[-2.5,0]}'
  t.is(portableJson(parseJson(same)), same)
  for (const number of ['1e-7', '0.00001', '-5e-5']) {
    t.throws(() => portableJson(parseJson(`{"a":[${number}]}`)), { instanceOf: CanonicalJsonError }, number)
  }
})

test('the digits that were read survive spreading, but not another value', t => {
  const read = parseJson('{"depth":9223372036854775807,"ban":1.0}')
  if (!isJsonObject(read)) throw new Error('not an object')
  t.is(canonicalJson({ ...read, more: 1 }), '{"ban":1,"depth":9223372036854775807,"more":1}')
  t.is(canonicalJson({ ...read, depth: 5 }), '{"ban":1,"depth":5}')
  t.false(checkStrictNumbers({ ...read, depth: 5 }))
  t.true(checkStrictNumbers({ ...read, depth: 5, ban: 2 }))
  t.deepEqual(Object.keys(read), ['depth', 'ban'])
})
