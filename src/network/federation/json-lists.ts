import type { JsonObject, JsonValue } from '../../core/json.ts'
import { JsonParseError, parseJson } from '../../core/parse-json.ts'
import { asObject, objectsOf, ShapeError, stringsOf } from './shape.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** No member is asked for whose name is longer. */
const MAX_NAME = 64
/** A few milliseconds of parsing, after which whatever waits gets its turn. */
const SLICE_BYTES = 256 * 1024

/** Elements of one list; what comes after them is passed over. */
const MAX_ELEMENTS = 1_000_000
/** Each value takes tens of bytes, however short its text: the state of a room of 300,000 members has so many. */
const MAX_VALUES = 10_000_000
/** Events are at most 64 KiB; what is larger is passed over. In bytes, as what is left of an object without its lists. */
const MAX_ELEMENT = 256 * 1024
const MAX_REST = 1024 * 1024

const decoder = new TextDecoder('utf-8', { fatal: true })
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A large JSON object, read while it comes. */
export interface ReadLists {
  /** The object with its large lists empty. */
  readonly rest: JsonValue
  /** The elements of these lists, by member name. */
  readonly lists: ReadonlyMap<string, readonly JsonValue[]>
}

/**
 * Reads a JSON object some of whose members are lists of very many elements (a room's state): element by element, in
 * slices, so that a hundred megabytes do not hold the event loop for seconds, nor take more memory than can be spared.
 *
 * @param names the members whose lists are taken apart
 * @param most so many elements each of them has at most
 * @throws {ShapeError} where it is not JSON, or more than anybody has to say, or more than that.
 */
export const readLists = async (
  body: AsyncIterable<Buffer>,
  names: readonly string[],
  most?: number,
): Promise<ReadLists> => {
  const splitter = new Splitter(new Set(names), most)
  let bytes = 0
  for await (const chunk of body) {
    splitter.push(chunk)
    bytes += chunk.length
    if (bytes >= SLICE_BYTES) {
      bytes = 0
      await nextTurn()
    }
  }
  return splitter.end()
}

/** The lists back in the object, as far as the readers of `shape.ts` look at it. */
const withList = ({ lists, rest }: ReadLists, name: string): JsonObject => {
  const list = lists.get(name)
  // A name that was written with escapes is not seen before the rest is read.
  return list === undefined ? asObject(rest) : { [name]: list }
}

/** The objects of one of the lists, at most `max`. @throws {ShapeError} where there is no such list. */
export const objectsIn = (read: ReadLists, name: string, max = MAX_ELEMENTS): JsonObject[] =>
  objectsOf(withList(read, name), name, max)

/** The same of strings, without repetitions, and only those that `accepts` takes. */
export const stringsIn = (
  read: ReadLists,
  name: string,
  accepts: (text: string) => boolean,
  max = MAX_ELEMENTS,
): string[] => stringsOf(withList(read, name), name, max, accepts)

const parsed = (text: Buffer): JsonValue => {
  try {
    return parseJson(decoder.decode(text))
  } catch (cause) {
    if (cause instanceof JsonParseError) throw new ShapeError(cause.message, { cause })
    throw new ShapeError('not UTF-8', { cause })
  }
}

/**
 * Finds where elements begin and end by nothing but brackets and quotes; whether the pieces are JSON the parser says.
 * All bytes but those of the elements and of the commas between them make up the rest.
 */
class Splitter {
  readonly #names: ReadonlySet<string>
  readonly #most: number
  readonly #lists = new Map<string, JsonValue[]>()
  readonly #rest = new Pieces(MAX_REST)
  /** What of the present element has come. */
  #element = new Pieces(MAX_ELEMENT)
  /** Their commas and brackets, which are as many. */
  #values = 0
  #depth = 0
  #inString = false
  #escaped = false
  /** The last string between the brackets of the object itself: before a list, it is the member's name. */
  #name = ''
  #list: JsonValue[] | undefined

  constructor(names: ReadonlySet<string>, most = Number.POSITIVE_INFINITY) {
    this.#names = names
    this.#most = most
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] ?? 0
      if (this.#inString) {
        this.#readString(byte)
        continue
      }
      if (byte === COMMA || byte === OPEN_OBJECT || byte === OPEN_LIST) this.#count()
      if (this.#list !== undefined && this.#depth === 2 && (byte === COMMA || byte === CLOSE_LIST)) {
        this.#endElement(chunk.subarray(from, index), byte)
        from = byte === COMMA ? index + 1 : index
        continue
      }
      if (byte === QUOTE) this.#beginString()
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#depth -= 1
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#depth += 1
        if (byte === OPEN_OBJECT || this.#depth !== 2 || !this.#names.has(this.#name)) continue
        this.#rest.add(chunk.subarray(from, index + 1))
        from = index + 1
        this.#list = []
        this.#lists.set(this.#name, this.#list)
      }
    }
    if (this.#list === undefined) this.#rest.add(chunk.subarray(from))
    else this.#element.add(chunk.subarray(from))
    if (this.#rest.isTooMuch) throw new ShapeError('too much besides the lists')
  }

  end(): ReadLists {
    if (this.#list !== undefined) throw new ShapeError('a list has no end')
    return { rest: parsed(this.#rest.whole), lists: this.#lists }
  }

  #count(): void {
    this.#values += 1
    if (this.#values > MAX_VALUES) throw new ShapeError(`more than ${MAX_VALUES} values`)
  }

  #beginString(): void {
    this.#inString = true
    if (this.#depth === 1) this.#name = ''
  }

  #readString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) {
      this.#inString = false
      return
    }
    if (this.#depth === 1 && this.#name.length <= MAX_NAME) this.#name += String.fromCharCode(byte)
  }

  #endElement(end: Buffer, by: number): void {
    const list = this.#list ?? []
    const element = this.#element
    element.add(end)
    this.#element = new Pieces(MAX_ELEMENT)
    if (!element.isTooMuch && list.length < MAX_ELEMENTS) {
      const text = element.whole
      const isEmptyList = by === CLOSE_LIST && list.length === 0 && isBlank(text)
      if (!isEmptyList) list.push(parsed(text))
    }
    if (list.length > this.#most) throw new ShapeError(`a list of more than ${this.#most}`)
    if (by === COMMA) return
    this.#list = undefined
    this.#depth = 1
    // The bracket itself is read as part of the rest.
  }
}

/** Bytes that came in pieces; once they are more than so many none are kept. */
class Pieces {
  readonly #max: number
  #pieces: Buffer[] = []
  #length = 0

  constructor(max: number) {
    this.#max = max
  }

  get isTooMuch(): boolean {
    return this.#length > this.#max
  }

  get whole(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  add(piece: Buffer): void {
    this.#length += piece.length
    if (this.isTooMuch) this.#pieces = []
    else this.#pieces.push(piece)
  }
}

const isBlank = (text: Buffer): boolean => text.every(byte => byte <= 0x20)
