import { formatNamed } from './formats.ts'
import { isList, isMap, isSection, isValue, type Schema, type ValueSchema } from './schema-types.ts'

const numberRange = ({ minimum, exclusiveMinimum, maximum }: ValueSchema): string => {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` of at least ${minimum}`
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`
  return maximum === undefined ? '' : ` of at most ${maximum}`
}

const allowedValue = (schema: ValueSchema): string => {
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  const format = schema.format === undefined ? undefined : formatNamed(schema.format)
  if (format) return format.allowed
  if (schema.type === 'boolean') return 'true or false'
  if (schema.type === 'string') return 'a text'
  return (schema.type === 'integer' ? 'an integer' : 'a number') + numberRange(schema)
}

/** What an option may be, to follow “must be”: `an integer from 0 to 65535`. */
export const allowed = (schema: Schema): string => {
  if (isValue(schema)) return allowedValue(schema)
  if (isList(schema)) {
    const item = isValue(schema.items) ? `, each ${allowedValue(schema.items)}` : ''
    return schema.minItems === undefined ? `a list${item}` : `a list that is not empty${item}`
  }
  if (isSection(schema)) return `a section with ${Object.keys(schema.properties).join(', ')}`
  return isMap(schema) ? `a section of names, each with ${allowed(schema.additionalProperties)}` : 'a section'
}
