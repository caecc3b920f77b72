import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { configSchema } from './schema/index.ts'
import { isList, isMap, isSection, type Schema } from './schema-types.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Has names of Synapse's options as well. */
const OF_OTHERS = ['from-synapse.md']

/** All options, as texts name them: `listeners.tls`, whichever of the listeners. */
const namesIn = (schema: Schema, path: readonly string[] = []): string[] => [
  path.join('.'),
  ...(isSection(schema)
    ? Object.entries(schema.properties).flatMap(([name, option]) => namesIn(option, [...path, name]))
    : isList(schema)
      ? namesIn(schema.items, path)
      : isMap(schema)
        ? namesIn(schema.additionalProperties, path)
        : []),
]

test('the options that our documents name are there', t => {
  const known = new Set(namesIn(configSchema))
  const sections = new Set(Object.keys(configSchema.properties))
  const docs = readdirSync(join(ROOT, 'docs')).filter(
    name => name.endsWith('.md') && !OF_OTHERS.includes(name),
  )
  for (const file of ['README.md', 'CHANGELOG.md', ...docs.map(name => join('docs', name))]) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const named = [...text.matchAll(/`([a-z_]+(?:\[\])?(?:\.[a-z_-]+)+)(?::[^`]*)?`/g)]
      .map(([, name = '']) => name.replaceAll('[]', ''))
      .filter(name => sections.has(name.split('.')[0] ?? ''))
    t.deepEqual(
      named.filter(name => !known.has(name.replace(/_file$/, ''))),
      [],
      file,
    )
  }
})
