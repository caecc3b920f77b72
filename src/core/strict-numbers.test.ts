import test from 'ava'
import fc from 'fast-check'
import { anyText, objectOf } from '../test-kit/arbitrary-json.ts'
import { randomRuns } from '../test-kit/random-runs.ts'
import {
  CanonicalJsonError,
  canonicalJson,
  checkStrictNumbers,
  JsonParseError,
  MAX_CANONICAL_DEPTH,
  parseJson,
} from './canonical-json.ts'

/** Number texts, and whether strict room versions take them. */
const numberText = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '1.0',
    '1e3',
    '1E3',
    '-0.0',
    '0e0',
    '1.5',
    '9007199254740991',
    '9007199254740992',
  ),
  fc.constantFrom(
    '-9007199254740991',
    '-9007199254740992',
    '90071992547409920',
    '1e-400',
    '9007199254740991.0',
  ),
  fc.tuple(fc.integer(), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
  fc.tuple(fc.integer(), fc.integer({ min: -20, max: 20 })).map(([whole, power]) => `${whole}e${power}`),
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
)

const isStrictText = (text: string): boolean => {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return false
  const value = BigInt(text)
  return value < 2n ** 53n && value > -(2n ** 53n)
}

test('strict numbers are told by their text, wherever they stand', t => {
  const decoy = fc.oneof(anyText, fc.constantFrom('": 1.0', '\\": -0,', ', 1e3]', '\\', '\\\\"', '[1.0]'))
  fc.assert(
    fc.property(numberText, decoy, fc.nat(4), (number, text, place) => {
      const quoted = JSON.stringify(text)
      const source = [
        `{${quoted}: ${number}, "after": ${quoted}}`,
        `[${quoted} , ${number}]`,
        `{"a":[{"b":[[${number}\n]]}], "c":${quoted}}`,
        `{"2":${number},"1":2,"__proto__":${quoted}}`,
        `[${quoted},{"x":${quoted},"y":{"__proto__": ${number}}}]`,
      ][place] as string
      const value = parseJson(source)
      t.is(checkStrictNumbers(value), isStrictText(number), source)
      const expected =
        place === 0
          ? objectOf([
              [text, Number(number)],
              ['after', text],
            ])
          : JSON.parse(source)
      t.is(JSON.stringify(value), JSON.stringify(expected))
      if (isStrictText(number)) {
        t.is(canonicalJson(value, { strictNumbers: true }), canonicalJson(value))
        t.notThrows(() => parseJson(source, { strictNumbers: true }))
      } else {
        t.throws(() => canonicalJson(value, { strictNumbers: true }), { instanceOf: CanonicalJsonError })
        t.throws(() => parseJson(source, { strictNumbers: true }), { instanceOf: JsonParseError })
      }
    }),
    { numRuns: randomRuns(150) },
  )
})

test('strict numbers of values that were not parsed are told by their value', t => {
  for (const value of [1.5, -0, 2 ** 53, Number.NaN, [[0.1]], { a: { b: 1e300 } }])
    t.false(checkStrictNumbers(value))
  for (const value of [1, [2 ** 53 - 1], { a: 1.0 }, '1.0', null]) t.true(checkStrictNumbers(value))
  const depth = MAX_CANONICAL_DEPTH + 1
  t.false(checkStrictNumbers(JSON.parse('['.repeat(depth) + ']'.repeat(depth))))
})
