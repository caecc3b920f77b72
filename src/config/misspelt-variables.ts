import { asEnvironment, environmentName } from './assignments.ts'
import { optionNames } from './layer.ts'
import { isList, isSection, type OptionPath, type Schema } from './schema-types.ts'

const PREFIX = 'TESSERA_'

/**
 * What to say of variables that look like settings and set nothing, since there is one underscore where there have to be two:
 * `TESSERA_SERVER_NAME`. Others of that form may belong to whatever starts the server.
 */
export const misspeltVariables = (
  root: Schema,
  env: Readonly<Record<string, string | undefined>>,
): string[] =>
  Object.entries(env)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, text]) => {
      if (!text || !name.startsWith(PREFIX) || name.startsWith(`${PREFIX}_`)) return []
      const meant = optionOf(root, name.slice(PREFIX.length))
      return meant === undefined
        ? []
        : [`${name} sets nothing: write ${environmentName(meant)}, with two underscores`]
    })

/** The option whose steps, with an underscore or more between them, make up the text. */
const optionOf = (schema: Schema | undefined, text: string): OptionPath | undefined => {
  if (text === '') return []
  if (schema === undefined) return undefined
  if (isList(schema)) {
    const [all, index] = /^(\d{1,3})(?:_+|$)/.exec(text) ?? ['']
    const rest = index === undefined ? undefined : optionOf(schema.items, text.slice(all.length))
    return rest && [Number(index), ...rest]
  }
  if (!isSection(schema)) return undefined
  for (const name of optionNames(schema.properties)) {
    const spelt = asEnvironment(name)
    if (text !== spelt && !text.startsWith(`${spelt}_`)) continue
    const rest = optionOf(schema.properties[name], text.slice(spelt.length).replace(/^_+/, ''))
    if (rest !== undefined) return [name, ...rest]
  }
  return undefined
}
