import type { JsonValue } from './json.ts'

/** Told of every number with the object or array that holds it. */
export type OnNumber = (holder: object, key: string | number, source: string) => void

/**
 * Builds the value of a JSON text that is known to be valid, character by character and without the engine's help
 * beyond single strings and numbers.
 *
 * Why: V8 guesses the next key of an object from the keys of earlier objects, and compares its guess with the *source* of
 * a key instead of its meaning. A key written with an escape, such as `"\u0000"` or `"\""`, comes out of
 * `JSON.parse` as `\` where some earlier object had that key (seen in Node 24.21). Whoever sends us events chooses both.
 *
 * @param onNumber called for numbers in objects and arrays
 */
export const parsePlainly = (text: string, onNumber?: OnNumber): JsonValue =>
  new PlainParser(text, onNumber).parse()

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Of what numbers consist: digits, and `-+.eE`. */
export const isNumberUnit = (unit: number): boolean =>
  (unit >= 0x30 && unit <= 0x39) ||
  unit === 0x2e ||
  unit === 0x65 ||
  unit === 0x45 ||
  unit === 0x2b ||
  unit === 0x2d

class PlainParser {
  readonly #text: string
  readonly #onNumber: OnNumber | undefined
  #at = 0

  constructor(text: string, onNumber: OnNumber | undefined) {
    this.#text = text
    this.#onNumber = onNumber
  }

  parse(): JsonValue {
    return this.#value(undefined, '')
  }

  #value(holder: object | undefined, key: string | number): JsonValue {
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case '"':
        return this.#string()
      case 't':
        return this.#word(true, 4)
      case 'f':
        return this.#word(false, 5)
      case 'n':
        return this.#word(null, 4)
      default:
        return this.#number(holder, key)
    }
  }

  #object(): JsonValue {
    const object: Record<string, JsonValue> = {}
    this.#at += 1
    for (this.#skipSpace(); this.#text[this.#at] !== '}'; this.#skipSpace()) {
      if (this.#text[this.#at] === ',') {
        this.#at += 1
        this.#skipSpace()
      }
      const key = this.#string()
      this.#skipSpace()
      this.#at += 1
      const value = this.#value(object, key)
      // `__proto__` is a key like any other.
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
      } else object[key] = value
    }
    this.#at += 1
    return object
  }

  #array(): JsonValue {
    const array: JsonValue[] = []
    this.#at += 1
    for (this.#skipSpace(); this.#text[this.#at] !== ']'; this.#skipSpace()) {
      if (this.#text[this.#at] === ',') this.#at += 1
      array.push(this.#value(array, array.length))
    }
    this.#at += 1
    return array
  }

  #string(): string {
    const start = this.#at
    let escaped = false
    for (this.#at += 1; this.#text.charCodeAt(this.#at) !== QUOTE; this.#at++) {
      if (this.#text.charCodeAt(this.#at) !== BACKSLASH) continue
      escaped = true
      this.#at += 1
    }
    this.#at += 1
    // A string by itself has no keys to be guessed from.
    return escaped
      ? (JSON.parse(this.#text.slice(start, this.#at)) as string)
      : this.#text.slice(start + 1, this.#at - 1)
  }

  #number(holder: object | undefined, key: string | number): number {
    const start = this.#at
    while (isNumberUnit(this.#text.charCodeAt(this.#at))) this.#at += 1
    const source = this.#text.slice(start, this.#at)
    if (holder !== undefined) this.#onNumber?.(holder, key, source)
    return Number(source)
  }

  #word<T>(value: T, length: number): T {
    this.#at += length
    return value
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at += 1
  }
}
