import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { isList, isMap, isSection, isValue, type OptionPath, type Schema } from './schema-types.ts'

/** One thing that is wrong, and where. */
export interface Problem {
  readonly path: OptionPath
  readonly message: string
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The names of a section's options, those with `_file` for its secrets included. */
export const optionNames = (properties: Readonly<Record<string, Schema>>): string[] =>
  Object.entries(properties).flatMap(([name, schema]) =>
    isValue(schema) && schema['x-secret'] ? [name, `${name}_file`] : [name],
  )

/** Why a file cannot be read, in few words. */
export const readingFailure = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'ENOTDIR') return 'what should be its directory is a file'
  return error instanceof Error ? error.message : String(error)
}

/** A secret from its own file: the text without the line break at its end, which editors add. */
const readSecret = (file: string): string => readFileSync(file, 'utf8').replace(/\r?\n$/, '')

/**
 * Makes what one source says (the file, a variable, a flag) independent of where it was said: paths become absolute,
 * secrets are read from their `_file`, and sections left empty (`federation:` above commented lines) vanish. Whatever
 * else is wrong stays as it is, for `validate` to find.
 *
 * @param base The directory that relative paths start from.
 * @param problems Gets the secrets' files that cannot be read.
 */
export const prepareLayer = (
  schema: Schema,
  value: unknown,
  base: string,
  problems: Problem[],
  path: OptionPath = [],
): unknown => {
  const inner = (childSchema: Schema, childValue: unknown, step: string | number): unknown =>
    prepareLayer(childSchema, childValue, base, problems, [...path, step])

  if (isValue(schema)) {
    return schema['x-path'] && typeof value === 'string' && value !== '' && !isAbsolute(value)
      ? resolve(base, value)
      : value
  }
  if (isList(schema)) {
    return Array.isArray(value) ? value.map((item, index) => inner(schema.items, item, index)) : value
  }
  if (!isObject(value)) return value
  if (isMap(schema)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inner(schema.additionalProperties, item, key)]),
    )
  }
  if (!isSection(schema)) return value
  const result: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === null) continue
    const secret = key.endsWith('_file') ? key.slice(0, -'_file'.length) : ''
    const secretSchema = Object.hasOwn(schema.properties, secret) ? schema.properties[secret] : undefined
    if (secretSchema && isValue(secretSchema) && secretSchema['x-secret']) {
      readSecretInto(result, secret, item, { base, problems, path: [...path, key], rival: value[secret] })
    } else {
      result[key] = Object.hasOwn(schema.properties, key)
        ? inner(schema.properties[key] as Schema, item, key)
        : item
    }
  }
  return result
}

const readSecretInto = (
  result: Record<string, unknown>,
  name: string,
  file: unknown,
  context: { base: string; problems: Problem[]; path: OptionPath; rival: unknown },
): void => {
  const { base, problems, path, rival } = context
  if (typeof file !== 'string' || file === '') {
    problems.push({ path, message: 'must be the path of a file' })
  } else if (rival !== undefined && rival !== null) {
    problems.push({ path, message: `and ${name} cannot both be set` })
  } else {
    try {
      result[name] = readSecret(resolve(base, file))
    } catch (error) {
      problems.push({ path, message: `names ${resolve(base, file)}, but ${readingFailure(error)}` })
    }
  }
}
