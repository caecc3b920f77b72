/**
 * Reduces an official schema to the facts of the protocol: types, property names, required sets, enums, patterns.
 * Prose, titles and examples stay behind. `allOf` is merged, references are inlined or turned into components.
 */
import { followReference, isMap, type Json, type JsonMap, mapOf } from './official.ts'

/** Where a shared definition becomes a component: answers the reference to write, or undefined to inline it. */
export type ComponentOf = (url: URL, value: JsonMap) => string | undefined

const KEPT = [
  'type',
  'enum',
  'const',
  'format',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'default',
  'deprecated',
] as const
const SCHEMA_MAPS = ['properties', 'patternProperties'] as const
const SCHEMA_LISTS = ['oneOf', 'anyOf'] as const

/** A reference must not be followed into itself. */
const MAX_DEPTH = 40

/** In: a schema and the file it stands in. Out: the reduced schema. Throws on circular references. */
export const simplifySchema = (
  schema: Json | undefined,
  from: URL,
  componentOf: ComponentOf,
  depth = 0,
): JsonMap => {
  if (depth > MAX_DEPTH) throw new Error(`circular reference near ${from.pathname}`)
  const source = mapOf(schema)
  if (typeof source.$ref === 'string') {
    const { value, url, wholeFile } = followReference(source.$ref, from)
    const reference = wholeFile && isMap(value) ? componentOf(url, value) : undefined
    return reference ? { $ref: reference } : simplifySchema(value, url, componentOf, depth + 1)
  }
  const result = ownFacts(source, from, componentOf, depth)
  const parts = Array.isArray(source.allOf) ? source.allOf : []
  if (parts.length === 0) return result
  const only = parts.length === 1 && hasNothingBut(result, 'type')
  if (only) return simplifySchema(parts[0], from, componentOf, depth + 1)
  return parts.reduce<JsonMap>(
    (merged, part) =>
      mergeSchemas(
        merged,
        simplifySchema(inlined(part, from).value, inlined(part, from).url, componentOf, depth + 1),
      ),
    result,
  )
}

const ownFacts = (source: JsonMap, from: URL, componentOf: ComponentOf, depth: number): JsonMap => {
  const result: JsonMap = {}
  const simplify = (value: Json): JsonMap => simplifySchema(value, from, componentOf, depth + 1)
  for (const key of KEPT) if (source[key] !== undefined) result[key] = source[key]
  for (const key of SCHEMA_MAPS) {
    if (!isMap(source[key]) || Object.keys(source[key]).length === 0) continue
    result[key] = Object.fromEntries(
      Object.entries(source[key]).map(([name, value]) => [name, simplify(value)]),
    )
  }
  if (source.items !== undefined) result.items = simplify(source.items)
  if (isMap(source.additionalProperties)) result.additionalProperties = simplify(source.additionalProperties)
  else if (source.additionalProperties === false) result.additionalProperties = false
  for (const key of SCHEMA_LISTS) {
    if (Array.isArray(source[key])) result[key] = source[key].map(simplify)
  }
  if (Array.isArray(source.required) && source.required.length > 0)
    result.required = [...source.required].sort()
  return result
}

/** A part of `allOf` is merged, so its reference is always followed. */
const inlined = (part: Json, from: URL): { value: Json; url: URL } => {
  const reference = mapOf(part).$ref
  return typeof reference === 'string' ? followReference(reference, from) : { value: part, url: from }
}

const hasNothingBut = (schema: JsonMap, key: string): boolean =>
  Object.keys(schema).every(each => each === key)

/** The schema that both sides' demands make together; the right side wins where they contradict each other. */
export const mergeSchemas = (left: JsonMap, right: JsonMap): JsonMap => {
  const result: JsonMap = { ...left, ...right }
  for (const key of SCHEMA_MAPS) {
    if (!isMap(left[key]) || !isMap(right[key])) continue
    const merged: JsonMap = { ...left[key] }
    for (const [name, value] of Object.entries(right[key])) {
      const before = merged[name]
      merged[name] = isMap(before) && isMap(value) ? mergeSchemas(before, value) : value
    }
    result[key] = merged
  }
  const required = [
    ...new Set([left.required, right.required].flatMap(list => (Array.isArray(list) ? list : []))),
  ]
  if (required.length > 0) result.required = required.sort()
  return result
}
