import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { allowed } from './describe.ts'
import { didYouMean } from './did-you-mean.ts'
import { FORMATS } from './formats.ts'
import { optionNames, type Problem } from './layer.ts'
import { valueAt } from './merge.ts'
import {
  isList,
  isMap,
  isSection,
  isValue,
  type OptionPath,
  type Schema,
  type SectionSchema,
  schemaAt,
} from './schema-types.ts'

/** The schema as ajv reads it: closed sections, and their options that have neither a default nor leave to be absent. */
const strict = (schema: Schema): object => {
  if (isList(schema)) return { ...schema, items: strict(schema.items) }
  if (isMap(schema)) return { ...schema, additionalProperties: strict(schema.additionalProperties) }
  if (!isSection(schema)) return schema
  const options = Object.entries(schema.properties)
  return {
    type: 'object',
    properties: Object.fromEntries(options.map(([name, option]) => [name, strict(option)])),
    required: options.filter(([, option]) => isRequired(option)).map(([name]) => name),
    additionalProperties: false,
  }
}

const isRequired = (schema: Schema): boolean =>
  !schema['x-optional'] && !isSection(schema) && schema.default === undefined

/** What was compiled of a schema, until memory is wanted: a server holds its settings against it once, and then hardly ever. */
const compiled = new WeakMap<SectionSchema, WeakRef<ValidateFunction>>()

const validatorOf = (schema: SectionSchema): ValidateFunction => {
  const known = compiled.get(schema)?.deref()
  if (known !== undefined) return known
  const ajv = new Ajv({ allErrors: true, strict: false })
  for (const [name, { admits }] of Object.entries(FORMATS)) ajv.addFormat(name, admits)
  const validator = ajv.compile(strict(schema))
  compiled.set(schema, new WeakRef(validator))
  return validator
}

/** ajv's `/listeners/0/port` as a path; numbers are list indexes where the schema has a list. */
const pathOf = (root: Schema, pointer: string): OptionPath => {
  const path: (string | number)[] = []
  for (const step of pointer.split('/').slice(1)) {
    const text = step.replaceAll('~1', '/').replaceAll('~0', '~')
    const parent = schemaAt(root, path)
    path.push(parent && isList(parent) ? Number(text) : text)
  }
  return path
}

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a section'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

const unknownOption = (root: Schema, path: OptionPath, name: string): Problem => {
  const section = schemaAt(root, path)
  const names = section && isSection(section) ? optionNames(section.properties) : []
  const meant = didYouMean(name, names)
  const hint = meant === undefined ? `allowed here: ${names.join(', ')}` : `did you mean ${meant}?`
  return { path: [...path, name], message: `is not an option; ${hint}` }
}

const problemOf = (root: Schema, tree: unknown, error: ErrorObject): Problem => {
  const path = pathOf(root, error.instancePath)
  if (error.keyword === 'additionalProperties') {
    return unknownOption(root, path, String(error.params['additionalProperty']))
  }
  if (error.keyword === 'required') {
    const missing = [...path, String(error.params['missingProperty'])]
    const schema = schemaAt(root, missing)
    return { path: missing, message: `is missing; it must be ${schema ? allowed(schema) : 'set'}` }
  }
  const schema = schemaAt(root, path)
  const secret = schema && isValue(schema) && schema['x-secret']
  const instead = secret ? '' : `, not ${shown(valueAt(tree, path))}`
  return { path, message: `must be ${schema ? allowed(schema) : 'something else'}${instead}` }
}

/**
 * Holds the merged settings against the schema.
 *
 * @returns what is wrong, one message for each option.
 */
export const validate = (root: SectionSchema, tree: unknown): Problem[] => {
  const validator = validatorOf(root)
  if (validator(tree)) return []
  const problems = (validator.errors ?? []).map(error => problemOf(root, tree, error))
  return [...new Map(problems.map(problem => [JSON.stringify(problem.path), problem])).values()]
}
