import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { exactInteger, numberSource } from './parse-json.ts'

export { JsonParseError, parseJson } from './parse-json.ts'

/** A value has no canonical encoding. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError'
}

/**
 * How deeply a value may nest. Deeper ones would need a stack that grows with the sender's wishes. `parseJson`
 * allows more, so that an event at this limit can still travel inside a response.
 */
export const MAX_CANONICAL_DEPTH = 512

/** What else is asked of a value besides having a canonical encoding. */
export interface CanonicalOptions {
  /** Numbers are as room versions 6 and up want them. */
  readonly strictNumbers?: boolean
  /** How deeply it may nest, at most `MAX_CANONICAL_DEPTH`. */
  readonly maxDepth?: number
}

/** Where to begin to count, so that the limit is reached in time. */
const depthBefore = ({ maxDepth = MAX_CANONICAL_DEPTH }: CanonicalOptions): number =>
  MAX_CANONICAL_DEPTH - maxDepth

/** Characters that a JSON string escapes, and surrogates, which must come in pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON escapes
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/

/**
 * Orders strings by Unicode code point. UTF-16 order would put U+10000 and up (surrogates, from U+D800) before
 * U+E000–U+FFFF.
 */
export const compareCodePoints = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Lifts surrogates above the rest of the basic plane, as their code points are. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** Beyond so many keys it pays to sort them by more than one step each. */
const MANY_KEYS = 32

/** Sorts keys in place by code point. Mostly they are few, and in order but for one or two: each is put where it belongs. */
const inOrder = (keys: string[]): string[] => {
  if (keys.length > MANY_KEYS) return keys.sort(compareCodePoints)
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string
    let at = i
    for (; at > 0 && compareCodePoints(keys[at - 1] as string, key) > 0; at--)
      keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}

const stringText = (value: string): string => {
  if (!NEEDS_CARE.test(value)) return `"${value}"`
  if (!value.isWellFormed()) throw new CanonicalJsonError('a string holds a lone surrogate')
  return JSON.stringify(value)
}

/** Whether a number stands in its source as strict versions want it: an integer within ±(2^53 − 1), not `-0`. */
const isStrict = (value: number, holder: object | undefined, key: string | number): boolean =>
  Number.isSafeInteger(value) &&
  !Object.is(value, -0) &&
  (holder === undefined || numberSource(holder, key, value) === undefined)

/**
 * What becomes of numbers that are not canonical: refused, written as plainly as can be (`portable`: but refused where others
 * would write them in another way), or as they were read.
 */
type Numbers = 'strict' | 'portable' | 'plain' | 'as read'

/** Smaller fractions are written with an exponent: here from 1e-7 on, in Python from 1e-5 on, and there as `1e-05`. */
const LEAST_FRACTION = 1e-4

const numberText = (
  value: number,
  numbers: Numbers,
  holder: object | undefined,
  key: string | number,
): string => {
  if (isStrict(value, holder, key)) return String(value)
  if (numbers === 'strict') throw new CanonicalJsonError('a number is not an integer within ±(2^53 − 1)')
  if (!Number.isFinite(value)) throw new CanonicalJsonError('a number is not finite')
  if (numbers === 'portable' && value !== 0 && Math.abs(value) < LEAST_FRACTION)
    throw new CanonicalJsonError('a number is too small to be written without an exponent')
  const source = numbers === 'as read' && holder !== undefined ? numberSource(holder, key, value) : undefined
  if (source !== undefined) return source
  // "Without exponents": String() would write 1e21 and more with one.
  return Number.isInteger(value) ? exactInteger(holder, key, value).toString() : String(value)
}

const write = (
  value: JsonValue | undefined,
  numbers: Numbers,
  depth: number,
  holder: object | undefined,
  key: string | number,
): string => {
  if (typeof value === 'string') return stringText(value)
  if (typeof value === 'number') return numberText(value, numbers, holder, key)
  if (value === true) return 'true'
  if (value === false) return 'false'
  if (value === null) return 'null'
  if (typeof value !== 'object') throw new CanonicalJsonError(`${typeof value} is not JSON`)
  if (depth >= MAX_CANONICAL_DEPTH) throw new CanonicalJsonError('nested too deeply')
  return isJsonObject(value) ? objectText(value, numbers, depth + 1) : arrayText(value, numbers, depth + 1)
}

const arrayText = (array: readonly JsonValue[], numbers: Numbers, depth: number): string => {
  let text = '['
  for (let i = 0; i < array.length; i++) {
    if (i > 0) text += ','
    text += write(array[i], numbers, depth, array, i)
  }
  return `${text}]`
}

/** A member of an object as it stands in the object's canonical text: `"name":value`. */
export interface CanonicalMember {
  readonly name: string
  readonly text: string
}

const memberText = (object: JsonObject, name: string, numbers: Numbers, depth: number): string =>
  `${stringText(name)}:${write(object[name], numbers, depth, object, name)}`

/**
 * The members of an object in canonical form and order, for who needs the texts of several objects that share them;
 * `objectOf` puts them together. Options and errors as of `canonicalJson`.
 */
export const canonicalMembers = (object: JsonObject, options: CanonicalOptions = {}): CanonicalMember[] => {
  const numbers = options.strictNumbers === true ? 'strict' : 'plain'
  const depth = depthBefore(options) + 1
  const members: CanonicalMember[] = []
  for (const name of inOrder(Object.keys(object))) {
    if (object[name] === undefined) continue
    members.push({ name, text: memberText(object, name, numbers, depth) })
  }
  return members
}

/** The same members with the only one of `added`, which none of them is called like, at its place. */
export const withMember = (members: readonly CanonicalMember[], added: JsonObject): CanonicalMember[] => {
  const [member] = canonicalMembers(added)
  if (member === undefined) return [...members]
  const before = members.findLastIndex(({ name }) => compareCodePoints(name, member.name) < 0)
  return members.toSpliced(before + 1, 0, member)
}

/** The canonical encoding of the object that has these members, which are in order. */
export const objectOf = (members: readonly CanonicalMember[]): string => {
  let text = '{'
  for (const member of members) text += text.length === 1 ? member.text : `,${member.text}`
  return `${text}}`
}

const objectText = (object: JsonObject, numbers: Numbers, depth: number): string => {
  let text = '{'
  for (const key of inOrder(Object.keys(object))) {
    if (object[key] === undefined) continue
    if (text.length > 1) text += ','
    text += memberText(object, key, numbers, depth)
  }
  return `${text}}`
}

/**
 * The canonical encoding of a value (appendices, "Canonical JSON"): no white space, members ordered by code point,
 * numbers without exponent or decimal point. Encode the string as UTF-8 to get the bytes that are hashed and signed.
 *
 * Numbers out of the canonical range occur in room versions 1 to 5 and are written as they can: integers that
 * `parseJson` read keep all their digits. With `strictNumbers` they are refused, as room versions 6 and up want it.
 * A member that is `undefined` is a missing member (see `JsonObject`).
 *
 * @throws {CanonicalJsonError} on lone surrogates, numbers that are not finite, nesting beyond
 *   `maxDepth`, and what is not JSON.
 */
export const canonicalJson = (value: JsonValue, options: CanonicalOptions = {}): string =>
  write(value, options.strictNumbers === true ? 'strict' : 'plain', depthBefore(options), undefined, '')

/**
 * The same with numbers as `parseJson` read them, such as `1.0` or `1e3`, which have no canonical form. Languages that tell
 * these from integers sign what they have read. Throws as `canonicalJson`.
 */
export const canonicalJsonAsRead = (value: JsonValue): string => write(value, 'as read', 0, undefined, '')

/**
 * The same for what a client chose and other servers have to write alike before they believe our signature. Throws also on
 * fractions so small that servers in other languages write them in another way.
 */
export const portableJson = (value: JsonValue): string => write(value, 'portable', 0, undefined, '')

/**
 * Whether all numbers in a value are as strict room versions want them: integers within ±(2^53 − 1), and, where
 * `parseJson` read the value, written without decimal point, exponent and negative zero.
 * Nesting beyond `MAX_CANONICAL_DEPTH` answers `false`.
 */
export const checkStrictNumbers = (value: JsonValue): boolean => areStrict(value, 0, undefined, '')

const areStrict = (
  value: JsonValue | undefined,
  depth: number,
  holder: object | undefined,
  key: string | number,
): boolean => {
  if (typeof value === 'number') return isStrict(value, holder, key)
  if (typeof value !== 'object' || value === null) return true
  if (depth >= MAX_CANONICAL_DEPTH) return false
  if (!isJsonObject(value)) return value.every((item, index) => areStrict(item, depth + 1, value, index))
  return Object.keys(value).every(member => areStrict(value[member], depth + 1, value, member))
}

/** Whether two values have the same canonical text. Those that have none, or only by loose rules, are like no other. */
export const isSameCanonically = (a: JsonValue, b: JsonValue): boolean => {
  try {
    return canonicalJson(a, { strictNumbers: true }) === canonicalJson(b, { strictNumbers: true })
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false
    throw error
  }
}
