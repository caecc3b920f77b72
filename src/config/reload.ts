import { type Config, configSchema } from './schema/index.ts'
import { camelCase, isSection, type Schema } from './schema-types.ts'

/** The names of options that differ between two settings. */
export interface ChangedOptions {
  /** Take effect at once. */
  readonly live: readonly string[]
  /** Take effect at the next start. */
  readonly restart: readonly string[]
}

const member = (value: unknown, name: string): unknown =>
  (value as Record<string, unknown> | undefined)?.[name]

const differences = (
  schema: Schema,
  before: unknown,
  after: unknown,
  name = '',
): { name: string; live: boolean }[] => {
  if (isSection(schema)) {
    return Object.entries(schema.properties).flatMap(([key, option]) => {
      const property = camelCase(key)
      const path = name === '' ? key : `${name}.${key}`
      return differences(option, member(before, property), member(after, property), path)
    })
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ name, live: schema['x-reload'] === true }]
}

/** What has changed from one reading of the settings to the next. */
export const changedOptions = (before: Config, after: Config): ChangedOptions => {
  const all = differences(configSchema, before, after)
  return {
    live: all.filter(({ live }) => live).map(({ name }) => name),
    restart: all.filter(({ live }) => !live).map(({ name }) => name),
  }
}

/** The settings in effect after a reload: the new ones where they take effect at once, else the old ones. */
export const reloaded = (before: Config, after: Config): Config => ({
  ...before,
  logging: { ...before.logging, level: after.logging.level },
  rateLimits: after.rateLimits,
})
