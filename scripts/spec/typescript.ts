/** JSON schemas as TypeScript types. */
import { componentNamed } from './load.ts'
import { isMap, type Json, type JsonMap, mapOf } from './official.ts'

/**
 * `request`: what validation has proved, hence exact. `response`: what a handler may return, where a member that
 * may be absent may also be `undefined`, since serialising drops it.
 */
export type Direction = 'request' | 'response'

/** The type of a schema as source text. Components become their names, with `Request` / `Response` namespaces. */
export const typeOf = (schema: Json | undefined, direction: Direction): string => {
  const source = mapOf(schema)
  if (typeof source.$ref === 'string') return `${componentNamed(source.$ref)}${suffix(direction)}`
  if (source.const !== undefined) return JSON.stringify(source.const)
  if (Array.isArray(source.enum)) return source.enum.map(value => JSON.stringify(value)).join(' | ')
  const choices = Array.isArray(source.oneOf) ? source.oneOf : source.anyOf
  if (Array.isArray(choices) && source.properties === undefined)
    return union(choices.map(each => typeOf(each, direction)))
  if (Array.isArray(source.type))
    return union(source.type.map(type => typeOf({ ...source, type }, direction)))
  return typeOfKind(source, direction)
}

export const suffix = (direction: Direction): string => (direction === 'request' ? 'Request' : '')

const union = (types: readonly string[]): string =>
  [...new Set(types)].map(type => (/[&|]/.test(type) ? `(${type})` : type)).join(' | ')

const typeOfKind = (schema: JsonMap, direction: Direction): string => {
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return `readonly ${bracketed(typeOf(schema.items, direction))}[]`
    default:
      return isMap(schema.properties) || schema.type === 'object'
        ? objectType(schema, direction)
        : 'JsonValue'
  }
}

const bracketed = (type: string): string =>
  /^[\w'"{]/.test(type) && !/[&|]|^readonly /.test(type.split('{')[0] ?? '') ? type : `(${type})`

const objectType = (schema: JsonMap, direction: Direction): string => {
  const properties = Object.entries(mapOf(schema.properties))
  const values = [
    ...(isMap(schema.additionalProperties) ? [schema.additionalProperties] : []),
    ...Object.values(mapOf(schema.patternProperties)),
  ].map(each => typeOf(each, direction))
  if (properties.length === 0) {
    return values.length > 0 ? `Readonly<Record<string, ${union(values)}>>` : 'JsonObject'
  }
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const members = properties.map(([name, value]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
    const type = typeOf(value, direction)
    if (required.has(name)) return `readonly ${key}: ${type}`
    return `readonly ${key}?: ${direction === 'response' ? `${type} | undefined` : type}`
  })
  const rest = direction === 'request' && values.length > 0 ? ' & JsonObject' : ''
  return `{ ${members.join('; ')} }${rest}`
}
