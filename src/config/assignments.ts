import { parse } from 'yaml'
import { didYouMean } from './did-you-mean.ts'
import { optionNames } from './layer.ts'
import {
  isFree,
  isList,
  isMap,
  isSection,
  isValue,
  type OptionPath,
  type Schema,
  type SectionSchema,
} from './schema-types.ts'

/** One option set from outside the settings file. */
export interface Assignment {
  readonly path: OptionPath
  readonly value: unknown
  /** The variable or flag, as messages name it. */
  readonly source: string
}

export const ENVIRONMENT_PREFIX = 'TESSERA__'

/** A step as variables spell it. */
export const asEnvironment = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_')

/** The variable that sets an option: `TESSERA__REGISTRATION__MODE`. */
export const environmentName = (path: OptionPath): string =>
  ENVIRONMENT_PREFIX + path.map(step => asEnvironment(String(step))).join('__')

type Found = { readonly path: OptionPath; readonly schema: Schema } | { readonly problem: string }

const secretFile: Schema = { type: 'string', description: 'The path of a file with the secret.' }

/** Finds the option that a variable or flag names, step by step; `spell` writes a name as that source does. */
const find = (root: SectionSchema, steps: readonly string[], spell: (name: string) => string): Found => {
  let schema: Schema = root
  const path: (string | number)[] = []
  for (const step of steps) {
    if (isSection(schema)) {
      const names = optionNames(schema.properties)
      const name = names.find(each => spell(each) === step)
      if (name === undefined) {
        const meant = didYouMean(step, names)
        return {
          problem:
            meant === undefined ? 'is not an option' : `is not an option; did you mean ${spell(meant)}?`,
        }
      }
      path.push(name)
      schema = schema.properties[name] ?? secretFile
    } else if (isList(schema) && /^\d{1,3}$/.test(step)) {
      path.push(Number(step))
      schema = schema.items
    } else if (isMap(schema)) {
      path.push(step)
      schema = schema.additionalProperties
    } else {
      return { problem: 'is not an option' }
    }
  }
  return { path, schema }
}

const YAML_STARTS = /^\s*[[{]/

/** Reads a text as a value of the option. What does not fit stays a text, which `validate` refuses with the reason. */
const read = (schema: Schema, text: string): unknown => {
  if (isValue(schema)) {
    if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
    return schema.type !== 'string' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  }
  const isYaml = YAML_STARTS.test(text)
  if (isList(schema) && !isYaml) return text.split(',').map(item => read(schema.items, item.trim()))
  if (!isYaml && !isFree(schema)) return text
  try {
    return parse(text)
  } catch {
    return text
  }
}

/** What the environment sets, and messages about variables that name nothing. An empty variable counts as not set. */
export const fromEnvironment = (
  root: SectionSchema,
  env: Readonly<Record<string, string | undefined>>,
): { assignments: Assignment[]; errors: string[] } => {
  const assignments: Assignment[] = []
  const errors: string[] = []
  for (const [name, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || !text) continue
    const found = find(root, name.slice(ENVIRONMENT_PREFIX.length).split('__'), asEnvironment)
    if ('problem' in found) errors.push(`${name}: ${found.problem}`)
    else assignments.push({ path: found.path, value: read(found.schema, text), source: name })
  }
  return { assignments, errors }
}

/**
 * What `--set section.option=value` sets; places in lists are written as messages do, `listeners[0].port`, or `listeners.0.port`. Names
 * with dots in them go into a whole section: `{"a.example": …}`.
 */
export const fromSetFlag = (root: SectionSchema, flag: string): Assignment | { readonly error: string } => {
  const equals = flag.indexOf('=')
  if (equals < 1) return { error: `--set ${flag}: write --set section.option=value` }
  const steps = flag
    .slice(0, equals)
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
  const found = find(root, steps, name => name)
  if ('problem' in found) return { error: `--set ${flag.slice(0, equals)}: ${found.problem}` }
  return {
    path: found.path,
    value: read(found.schema, flag.slice(equals + 1)),
    source: `--set ${flag.slice(0, equals)}`,
  }
}
