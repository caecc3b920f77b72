import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../json.ts'
import type { PropertyPath } from './property-path.ts'

const NONE: ReadonlySet<JsonValue> = new Set()

/** An event whose properties are asked for by path, often the same for many users: each is looked up once. */
export class PushEvent {
  readonly #event: JsonObject
  readonly #values = new Map<string, JsonValue | undefined>()
  #lowered: Map<string, string | undefined> | undefined
  #items: Map<string, ReadonlySet<JsonValue> | undefined> | undefined

  /** @param event in client format, with `room_id` */
  constructor(event: JsonObject) {
    this.#event = event
  }

  get sender(): string {
    return String(this.#event['sender'])
  }

  get roomId(): string {
    return String(this.#event['room_id'])
  }

  /** The property at a dot-separated path; `undefined` if it is absent. */
  value({ text, names }: PropertyPath): JsonValue | undefined {
    const known = this.#values.get(text)
    if (known !== undefined || this.#values.has(text)) return known
    const found = valueAt(this.#event, names)
    this.#values.set(text, found)
    return found
  }

  /** The property in lower case, if it is a text. */
  lowered(path: PropertyPath): string | undefined {
    this.#lowered ??= new Map()
    return remembered(this.#lowered, path.text, () => {
      const value = this.value(path)
      return typeof value === 'string' ? value.toLowerCase() : undefined
    })
  }

  /** The items of the property, if it is an array. */
  items(path: PropertyPath): ReadonlySet<JsonValue> | undefined {
    this.#items ??= new Map()
    return remembered(this.#items, path.text, () => {
      const value = this.value(path)
      if (!Array.isArray(value)) return undefined
      return value.length === 0 ? NONE : new Set(value)
    })
  }
}

const valueAt = (event: JsonObject, names: readonly string[]): JsonValue | undefined => {
  let value: JsonValue | undefined = event
  for (const name of names) {
    if (!isJsonObject(value)) return undefined
    value = ownMember(value, name)
  }
  return value
}

const remembered = <T>(map: Map<string, T>, key: string, find: () => T): T => {
  const known = map.get(key)
  if (known !== undefined || map.has(key)) return known as T
  const found = find()
  map.set(key, found)
  return found
}
