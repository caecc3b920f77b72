import type { JsonValue } from './json.ts'
import { isNumberUnit, parsePlainly } from './parse-plainly.ts'

/** Why a text is not read: not JSON at all, nested too deeply, or with numbers that are not allowed. */
export class JsonParseError extends Error {
  override readonly name = 'JsonParseError'
  readonly reason: 'syntax' | 'depth' | 'numbers'
  constructor(reason: 'syntax' | 'depth' | 'numbers', message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Deep enough for an event at the limit of `canonicalJson` inside any request or response. */
export const MAX_PARSE_DEPTH = 1024

/**
 * Where an object or array keeps the source text of those of its numbers that a double does not tell: `1.0`, `1e3`,
 * `-0`, integers beyond 2^53; not `1.5`, which is written as it was read. A symbol, so that it is no member (`Object.keys` and `JSON.stringify` pass it by);
 * enumerable, so that it survives spreading. A text counts only while the number is still the one it was read as.
 */
const NUMBER_SOURCES = Symbol('number sources')

interface Marked {
  /** By name, or at the same indices. */
  [NUMBER_SOURCES]?: Map<string | number, string> | (string | undefined)[]
}

/**
 * The source text of a number that `parseJson` read and that was not written canonically; `undefined` for ordinary
 * numbers and for values that were not parsed.
 */
export const numberSource = (holder: object, key: string | number, value: number): string | undefined => {
  const sources = (holder as Marked)[NUMBER_SOURCES]
  if (sources === undefined) return undefined
  const source = sources instanceof Map ? sources.get(key) : sources[Number(key)]
  return source !== undefined && Number(source) === value ? source : undefined
}

/** An integer with all the digits that it was read with, where a double cannot hold them. */
export const exactInteger = (holder: object | undefined, key: string | number, value: number): bigint => {
  const source = holder === undefined ? undefined : numberSource(holder, key, value)
  return BigInt(source !== undefined && /^-?\d+$/.test(source) ? source : value)
}

/** Hands the marks of an object on to one that was made from its members. */
export const keepNumberSources = <T extends object>(from: object, to: T): T => {
  const sources = (from as Marked)[NUMBER_SOURCES]
  if (sources !== undefined) (to as Marked)[NUMBER_SOURCES] = sources
  return to
}

/** A number text that strict versions refuse, or may have to: fraction, exponent, `-0`, 16 digits and more. */
const isIrregular = (source: string): boolean => {
  if (source.length < 16) return source === '-0' || /[.eE]/.test(source)
  return /[.eE]/.test(source) || !Number.isSafeInteger(Number(source))
}

/** The index of the quote that ends the string which begins at `start`, or −1. */
export const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let first = end
    while (text.charCodeAt(first - 1) === 0x5c) first--
    if ((end - first) % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

/**
 * Whether a JSON text holds more values than that, those in strings taken for some, too. Every value takes tens of bytes of memory,
 * be it only two characters of text: whoever reads what anybody may send asks this first.
 */
export const hasMoreValues = (text: string, limit: number): boolean => {
  if (text.length <= limit) return false
  let count = 0
  for (let at = 0; at < text.length && count <= limit; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x2c || unit === 0x5b || unit === 0x7b) count++
  }
  return count > limit
}

const BACKSLASH = /\\/

/** Whether the next character after white space is a colon, so that the string before it is a key. */
const isKeyEnd = (text: string, end: number): boolean => {
  let next = end + 1
  while (text.charCodeAt(next) <= 0x20) next++
  return text.charCodeAt(next) === 0x3a
}

/** What a text holds that takes care. */
interface Findings {
  /** A number that is not written canonically. */
  readonly irregular: boolean
  /** A key that is written with an escape, which V8 may read as another (`parsePlainly`). */
  readonly escapedKey: boolean
}

/** One pass over the text before it is parsed: enforces the depth, and tells what takes care. */
const scan = (text: string, maxDepth: number): Findings => {
  let depth = 0
  let irregular = false
  let escapedKey = false
  const mayEscape = BACKSLASH.test(text)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x22) {
      const start = i
      i = endOfString(text, start)
      if (i === -1) return { irregular, escapedKey }
      if (mayEscape && !escapedKey && isKeyEnd(text, i)) escapedKey = BACKSLASH.test(text.slice(start, i))
    } else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) throw new JsonParseError('depth', `nested more than ${maxDepth} levels deep`)
    } else if (unit === 0x7d || unit === 0x5d) {
      depth--
    } else if ((unit >= 0x30 && unit <= 0x39) || unit === 0x2d) {
      const start = i
      while (isNumberUnit(text.charCodeAt(i + 1))) i++
      irregular ||= isIrregular(text.slice(start, i + 1))
    }
  }
  return { irregular, escapedKey }
}

const markNumber = (holder: object, key: string | number, source: string): void => {
  if (!isIrregular(source)) return
  const value = Number(source)
  if (!Number.isInteger(value) && String(value) === source) return
  const marked = holder as Marked
  marked[NUMBER_SOURCES] ??= Array.isArray(holder) ? [] : new Map()
  const sources = marked[NUMBER_SOURCES]
  if (sources instanceof Map) sources.set(key, source)
  else sources[Number(key)] = source
}

/**
 * Parses JSON text. The depth is limited before anything is built. Numbers that are not written canonically (`1.0`,
 * `1e3`, `-0`, integers beyond 2^53) are refused with `strictNumbers`; without it they are remembered, so that
 * `checkStrictNumbers` and `canonicalJson` can still tell for a part of the value, such as one event of many.
 *
 * @param options.maxDepth how deeply arrays and objects may nest; `MAX_PARSE_DEPTH` if not given.
 * @throws {JsonParseError} never anything else.
 */
export const parseJson = (
  text: string,
  options: { maxDepth?: number; strictNumbers?: boolean } = {},
): JsonValue => {
  const { irregular, escapedKey } = scan(text, options.maxDepth ?? MAX_PARSE_DEPTH)
  const strict = options.strictNumbers === true
  try {
    const value = JSON.parse(text) as JsonValue
    if (irregular && strict) {
      throw new JsonParseError('numbers', 'numbers must be integers within ±(2^53 − 1)')
    }
    // Where one number is irregular, the engine's reviver would be called for each value of the text, and takes ten times as long.
    if (irregular) return parsePlainly(text, markNumber)
    return escapedKey ? parsePlainly(text) : value
  } catch (error) {
    if (error instanceof JsonParseError) throw error
    throw new JsonParseError('syntax', 'not JSON', { cause: error })
  }
}
