/** JSON as it travels in Matrix. What comes out of `JSON.parse` is `JsonValue` until something has checked it. */
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[]

/** A JSON object; a missing member reads as `undefined`. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** Whether a value is a JSON object (neither null nor an array). */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The member of an object under a key that came from outside. Unlike `object[key]` it does not answer what every
 * object inherits (`constructor`, `__proto__`).
 */
export const ownMember = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

/** About how many characters the text of a value has. */
export const roughLength = (value: JsonValue | undefined): number => {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 4
  let length = 2
  if (isJsonObject(value)) {
    for (const name of Object.keys(value)) length += name.length + 4 + roughLength(value[name])
  } else {
    for (const member of value) length += 1 + roughLength(member)
  }
  return length
}
