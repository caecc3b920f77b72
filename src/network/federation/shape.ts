/**
 * Narrow readers for what peers answer: they check types, bound lists, and take nothing else. An element that is
 * not what it should be is left out, so that it does not harm its neighbours; a missing or wrong member that the
 * request is about makes the response malformed.
 */
import { isJsonObject, type JsonObject, type JsonValue, ownMember } from '../../core/json.ts'

/** A response does not have the form that the specification gives it. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

/** The value as an object. `what` names it in the error. */
export const asObject = (value: JsonValue | undefined, what = 'the response'): JsonObject => {
  if (!isJsonObject(value)) throw new ShapeError(`${what} is not an object`)
  return value
}

export const objectOf = (object: JsonObject, name: string): JsonObject => asObject(object[name], name)

export const optionalObjectOf = (object: JsonObject, name: string): JsonObject | undefined =>
  object[name] === undefined || object[name] === null ? undefined : objectOf(object, name)

export const stringOf = (object: JsonObject, name: string): string => {
  const value = object[name]
  if (typeof value !== 'string') throw new ShapeError(`${name} is not a string`)
  return value
}

export const optionalStringOf = (object: JsonObject, name: string): string | undefined =>
  object[name] === undefined || object[name] === null ? undefined : stringOf(object, name)

export const integerOf = (object: JsonObject, name: string): number => {
  const value = object[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw new ShapeError(`${name} is not an integer`)
  }
  return value
}

const listOf = (object: JsonObject, name: string): readonly JsonValue[] => {
  const value = object[name]
  if (!Array.isArray(value)) throw new ShapeError(`${name} is not a list`)
  return value
}

/** The objects of a list, at most `max`. */
export const objectsOf = (object: JsonObject, name: string, max: number): JsonObject[] =>
  listOf(object, name).filter(isJsonObject).slice(0, max)

/** The strings of a list, without repetitions, at most `max`, and only those that `accepts` takes. */
export const stringsOf = (
  object: JsonObject,
  name: string,
  max: number,
  accepts: (text: string) => boolean = () => true,
): string[] => {
  const strings = listOf(object, name).filter(value => typeof value === 'string' && accepts(value))
  return [...new Set(strings as string[])].slice(0, max)
}

/** The members of an object within an object that are objects themselves; none where it is not there. */
export const objectsByKey = (object: JsonObject, name: string): [string, JsonObject][] =>
  Object.entries(optionalObjectOf(object, name) ?? {}).filter((entry): entry is [string, JsonObject] =>
    isJsonObject(entry[1]),
  )

/** The member of a member, as an object: `object[name][key]`. */
export const objectAt = (object: JsonObject, name: string, key: string): JsonObject | undefined => {
  const outer = object[name]
  const inner = isJsonObject(outer) ? ownMember(outer, key) : undefined
  return isJsonObject(inner) ? inner : undefined
}
