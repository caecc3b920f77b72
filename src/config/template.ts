import { stringify } from 'yaml'
import { configSchema } from './schema/index.ts'
import { isSection, isValue, type Schema, type SectionSchema } from './schema-types.ts'

const WIDTH = 100

/** Breaks a text into comment lines. */
const comment = (text: string, indent: string): string[] => {
  const lines: string[] = []
  let line = `${indent}#`
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line)
      line = `${indent}#`
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

const commentedOut = (text: string, indent: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => `${indent}# ${line}`)

/** What a section that has no room of its own (three deep) is shown with: its defaults, on one line. */
const defaultsOf = (schema: SectionSchema): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, option]) =>
      isSection(option) || option.default === undefined ? [] : [[name, option.default]],
    ),
  )

/** The line to uncomment: the default, or an example where there is none. */
const sample = (name: string, schema: Schema): string => {
  const value = isSection(schema) ? defaultsOf(schema) : (schema.default ?? schema.examples?.[0] ?? '')
  const flat = isSection(schema) || (Array.isArray(value) && value.every(item => typeof item !== 'object'))
  return stringify({ [name]: value }, { lineWidth: 0, collectionStyle: flat ? 'flow' : 'any' }).replace(
    /^\{ (.*) \}\n$/s,
    '$1\n',
  )
}

const option = (
  name: string,
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  indent: string,
): string[] => {
  if (isSection(schema) && indent.length < 4 && hasSections(schema, indent)) {
    return section(name, schema, indent)
  }
  const note = isValue(schema) && schema.enum ? ` (${schema.enum.join(', ')})` : ''
  const set = Object.hasOwn(values, name)
  const lines = set
    ? stringify({ [name]: values[name] }, { lineWidth: 0 })
        .trimEnd()
        .split('\n')
    : commentedOut(sample(name, schema), indent)
  return ['', ...comment(schema.description + note, indent), ...lines]
}

/** Whether a section is opened up (its options one below the other) rather than shown on one line. */
const hasSections = (schema: SectionSchema, indent: string): boolean =>
  indent === '' || Object.values(schema.properties).some(isSection)

const section = (name: string, schema: SectionSchema, indent: string): string[] => {
  const options = Object.entries(schema.properties).flatMap(([key, each]) =>
    option(key, each, {}, `${indent}  `),
  )
  return options.length === 0
    ? []
    : ['', ...comment(schema.description, indent), `${indent}${name}:`, ...options]
}

/**
 * A settings file that explains every option. All are commented out at their defaults, but for `values`.
 *
 * @param values Options at the top level that are set.
 */
export const settingsTemplate = (values: Readonly<Record<string, unknown>>): string =>
  [
    '# Settings of Tessera. What begins with # is not set: it shows the default, or an example.',
    '# Durations are written like 500ms, 10s, 5m, 12h, 7d; sizes like 500K, 50M. Relative paths start',
    '# from the directory of this file. `tessera config check` says whether all is right.',
    ...Object.entries(configSchema.properties).flatMap(([name, schema]) => option(name, schema, values, '')),
    '',
  ].join('\n')
