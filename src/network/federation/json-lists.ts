import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { JsonParseError, parseJson } from '../../core/parse-json.ts'
import { asObject, objectsOf, ShapeError } from './shape.ts'

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
 * slices, so that a hundred megabytes do not hold the event loop for seconds.
 *
 * @param names the members whose lists are taken apart
 * @throws {ShapeError} where it is not JSON.
 */
export const readLists = async (
  body: AsyncIterable<Buffer>,
  names: readonly string[],
): Promise<ReadLists> => {
  const splitter = new Splitter(new Set(names))
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

/** The objects of one of the lists, at most `max`. @throws {ShapeError} where there is no such list. */
export const objectsIn = ({ lists, rest }: ReadLists, name: string, max: number): JsonObject[] => {
  const list = lists.get(name)
  // A name that was written with escapes is not seen before the rest is read.
  if (list === undefined) return objectsOf(asObject(rest), name, max)
  return list.filter(isJsonObject).slice(0, max)
}

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
  readonly #lists = new Map<string, JsonValue[]>()
  readonly #rest: Buffer[] = []
  /** What of the present element has come. */
  #element: Buffer[] = []
  #depth = 0
  #inString = false
  #escaped = false
  /** The last string between the brackets of the object itself: before a list, it is the member's name. */
  #name = ''
  #list: JsonValue[] | undefined

  constructor(names: ReadonlySet<string>) {
    this.#names = names
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] ?? 0
      if (this.#inString) {
        this.#readString(byte)
        continue
      }
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
        this.#rest.push(chunk.subarray(from, index + 1))
        from = index + 1
        this.#list = []
        this.#lists.set(this.#name, this.#list)
      }
    }
    if (this.#list === undefined) this.#rest.push(chunk.subarray(from))
    else this.#element.push(chunk.subarray(from))
  }

  end(): ReadLists {
    if (this.#list !== undefined) throw new ShapeError('a list has no end')
    return { rest: parsed(Buffer.concat(this.#rest)), lists: this.#lists }
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
    const text = Buffer.concat([...this.#element, end])
    this.#element = []
    const isEmptyList = by === CLOSE_LIST && list.length === 0 && isBlank(text)
    if (!isEmptyList) list.push(parsed(text))
    if (by === COMMA) return
    this.#list = undefined
    this.#depth = 1
    // The bracket itself is read as part of the rest.
  }
}

const isBlank = (text: Buffer): boolean => text.every(byte => byte <= 0x20)
