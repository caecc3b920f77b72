import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../core/json.ts'

/** Keys that trip up encoders: integer-like, inherited names, either side of the surrogates in UTF-16 order. */
const NASTY_KEYS = [
  '__proto__',
  'constructor',
  'toJSON',
  'hasOwnProperty',
  '',
  '1',
  '9',
  '10',
  '-1',
  '01',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{1f600}a',
  'a\u{1f600}',
  'a\uff5e',
  '\u2028',
  '"',
  '\\',
  '\u007f',
  '\u0000',
]

/**
 * A character of any plane, a unit for `fc.string`. Its own unit `binary` is the same, and makes a table of a million characters first,
 * which takes a second and 170 MB.
 */
export const anyCharacter = fc
  .nat(0x10_ffff - 0x800)
  .map(point => String.fromCodePoint(point < 0xd800 ? point : point + 0x800))

/** Any well-formed text, control characters and all planes included. */
export const anyText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(...NASTY_KEYS),
)

const anyInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
)

/**
 * An object of the entries; unlike assignment, this makes a member of `__proto__` too. Mutable, for tests' own use.
 */
export const objectOf = (entries: readonly (readonly [string, JsonValue])[]): Record<string, JsonValue> =>
  Object.fromEntries(entries)

const jsonOf = (text: fc.Arbitrary<string>, number: fc.Arbitrary<number>): fc.Arbitrary<JsonValue> =>
  fc.letrec<{ value: JsonValue; object: JsonObject }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      text,
      number,
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc.array(fc.tuple(text, tie('value')), { maxLength: 6 }).map(objectOf),
  })).value

/** Any JSON value that has a canonical encoding in strict room versions. */
export const strictJson: fc.Arbitrary<JsonValue> = jsonOf(anyText, anyInteger)

/** Any JSON object that has a canonical encoding in strict room versions. */
export const strictObject: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(anyText, strictJson), { maxLength: 6 })
  .map(objectOf)

const LONE_SURROGATES = ['\ud800', '\udfff', 'a\udc00b']

/** Anything that `JSON.parse` may answer: lone surrogates, fractions, huge numbers and negative zero included. */
export const anyJson: fc.Arbitrary<JsonValue> = jsonOf(
  fc.oneof({ weight: 9, arbitrary: anyText }, { weight: 1, arbitrary: fc.constantFrom(...LONE_SURROGATES) }),
  fc.oneof(anyInteger, fc.double({ noNaN: true, noDefaultInfinity: true })),
)
