import { isAbsolute, resolve } from 'node:path'
import { camelCase, isList, isMap, isSection, isValue, type Schema, type Value } from './schema-types.ts'
import { parseDuration, parseSize } from './units.ts'

const number = (schema: Schema, value: string | number): number | undefined =>
  isValue(schema) && schema.format === 'size' ? parseSize(value) : parseDuration(value)

const single = (schema: Schema, value: unknown, base: string): unknown => {
  if (!isValue(schema)) return value
  if (schema['x-path'] && typeof value === 'string') return isAbsolute(value) ? value : resolve(base, value)
  const hasUnit = schema.format === 'duration' || schema.format === 'size'
  return hasUnit && (typeof value === 'string' || typeof value === 'number') ? number(schema, value) : value
}

const fill = (schema: Schema, given: unknown, base: string): unknown => {
  if (isSection(schema)) {
    if (given === undefined && schema['x-optional']) return undefined
    const values = (given ?? {}) as Record<string, unknown>
    const filled = Object.entries(schema.properties).map(([name, option]) => [
      camelCase(name),
      fill(option, Object.hasOwn(values, name) ? values[name] : undefined, base),
    ])
    return Object.freeze(Object.fromEntries(filled.filter(([, value]) => value !== undefined)))
  }
  const value = given ?? schema.default
  if (value === undefined) return undefined
  if (isList(schema)) return Object.freeze((value as unknown[]).map(item => fill(schema.items, item, base)))
  if (isMap(schema)) {
    const entries = Object.entries(value as Record<string, unknown>)
    return Object.freeze(
      Object.fromEntries(entries.map(([key, item]) => [key, fill(schema.additionalProperties, item, base)])),
    )
  }
  return single(schema, value, base)
}

/**
 * The settings as the program reads them: defaults filled in, durations as milliseconds, sizes as bytes, names in
 * camelCase, frozen.
 *
 * @param tree Settings that `validate` has nothing against.
 * @param base The directory that relative paths in defaults start from.
 */
export const complete = <S extends Schema>(schema: S, tree: unknown, base: string): Value<S> =>
  fill(schema, tree, base) as Value<S>
