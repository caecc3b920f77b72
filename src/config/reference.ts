import { stringify } from 'yaml'
import { environmentName } from './assignments.ts'
import { allowed } from './describe.ts'
import { configSchema } from './schema/index.ts'
import { isList, isSection, isValue, type OptionPath, pathText, type Schema } from './schema-types.ts'

const oneLine = (value: unknown): string =>
  stringify(value, { lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: false }).trimEnd()

const code = (text: string): string => `\`${text}\``

const facts = (path: OptionPath, schema: Schema): string[] => {
  const lines = [
    `- Allowed: ${isList(schema) && isSection(schema.items) ? 'a list, see below' : allowed(schema)}`,
  ]
  if (!isSection(schema) && schema.default !== undefined) {
    const text = oneLine(schema.default)
    lines.push(`- Default: ${text.length > 400 ? 'see below' : code(text)}`)
  }
  for (const example of schema.examples ?? []) lines.push(`- Example: ${code(oneLine(example))}`)
  const variables = path.some(step => step === 0) ? [] : [environmentName(path)]
  if (isValue(schema)) {
    if (schema['x-secret']) {
      variables.push(environmentName([...path.slice(0, -1), `${path.at(-1)}_file`]))
      lines.push(`- Secret: never printed. ${code(`${path.at(-1)}_file`)} names a file that holds it.`)
    }
    if (schema['x-env']) variables.unshift(schema['x-env'])
  }
  if (path.some(step => step === 0)) variables.push(environmentName(path))
  const fallback = schema['x-fallback-env']
  const otherwise = fallback === undefined ? '' : `; where it is set nowhere: ${code(fallback)}`
  lines.push(`- Environment: ${variables.map(code).join(', ')}${otherwise}`)
  if (schema['x-reload']) lines.push('- Read again on SIGHUP, without a restart.')
  return lines
}

/** Sections whose options all are alike (the rate limits) are a table. */
const isUniform = (schema: Schema): boolean => {
  if (!isSection(schema)) return false
  const children = Object.values(schema.properties)
  const shape = (each: Schema): string => (isSection(each) ? Object.keys(each.properties).join() : '')
  const [first] = children
  return (
    children.length > 2 &&
    first !== undefined &&
    isSection(first) &&
    children.every(c => shape(c) === shape(first))
  )
}

const table = (path: OptionPath, schema: Schema): string[] => {
  if (!isSection(schema)) return []
  const columns =
    Object.values(schema.properties).flatMap(each => (isSection(each) ? [each.properties] : []))[0] ?? {}
  const names = Object.keys(columns)
  const withDefault = names.filter(name => 'default' in (columns[name] ?? {}))
  const rows = Object.entries(schema.properties).map(([name, each]) => {
    const cells = withDefault.map(column => {
      const child = isSection(each) ? each.properties[column] : undefined
      return child && !isSection(child) ? code(oneLine(child.default)) : ''
    })
    return `| ${code(name)} | ${each.description} | ${cells.join(' | ')} |`
  })
  const example = environmentName([...path, Object.keys(schema.properties)[0] ?? '', names.at(-1) ?? ''])
  return [
    ...names.map(
      name => `- ${code(name)}: ${columns[name]?.description ?? ''} ${allowedText(columns[name])}`,
    ),
    `- Environment: like ${code(example)}`,
    ...(schema['x-reload'] ? ['- Read again on SIGHUP, without a restart.'] : []),
    '',
    `| name | for | ${withDefault.map(name => `default ${code(name)}`).join(' | ')} |`,
    `| --- | --- | ${withDefault.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
  ]
}

const allowedText = (schema: Schema | undefined): string => (schema ? `(${allowed(schema)})` : '')

const option = (path: OptionPath, schema: Schema, depth: number): string[] => {
  const heading = [`${'#'.repeat(Math.min(depth, 4))} ${code(pathText(path))}`, '', schema.description, '']
  if (isUniform(schema)) return [...heading, ...table(path, schema)]
  if (isSection(schema)) return [...heading, ...options(path, schema, depth + 1)]
  const items =
    isList(schema) && isSection(schema.items) ? options([...path, 0], schema.items, depth + 1) : []
  return [...heading, ...facts(path, schema), '', ...items]
}

const options = (path: OptionPath, schema: Schema, depth: number): string[] =>
  isSection(schema)
    ? Object.entries(schema.properties).flatMap(([name, each]) => option([...path, name], each, depth))
    : []

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/schema by \`npx node scripts/config-docs.ts\`. Do not edit. -->

Tessera needs no settings to start. What you set comes from four places; the first that says something wins:

1. flags: \`--server-name\`, \`--host\`, \`--port\`, \`--data\`, and \`--set section.option=value\` for everything else;
2. environment variables: \`TESSERA__SECTION__OPTION\`, and \`PORT\`, \`HOST\`, \`TESSERA_DATA\` (an empty variable counts as not
   set; lists are separated by commas or written as YAML: \`[]\` is the empty list);
3. the settings file: \`--config FILE\`, else \`TESSERA_CONFIG\`, else \`homeserver.yaml\` in the data directory that a flag or a
   variable names, else in the working directory, else in \`./data\`. The first start without one writes
   \`data/homeserver.yaml\`, with every option explained;
4. the defaults below.

Durations are written \`500ms\`, \`10s\`, \`5m\`, \`12h\`, \`7d\`, \`2w\` (a plain number: milliseconds), sizes \`500K\`, \`50M\`, \`2G\`
(a plain number: bytes). Relative paths start from the directory of the settings file; in variables and flags, and
without a file, from the working directory. Unknown options are errors.

\`tessera config check\` says what is wrong, with file and line; \`tessera config check --print\` also shows the settings in
effect, secrets masked, and where each was set. On SIGHUP the settings are read again (but on a terminal, where it means
that the window was closed): the log level and the rate limits change at once, everything else at the next start. Settings
with errors are refused as a whole, and the old ones stay.
`

/** The manual of all settings, as Markdown. */
export const configurationReference = (): string =>
  `${[INTRODUCTION, ...options([], configSchema, 2)].join('\n').trimEnd()}\n`
