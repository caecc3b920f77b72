import { createRequire } from 'node:module'
import type { Knex } from 'knex'

const require = createRequire(import.meta.url)

/** knex, loaded when first needed: it takes longer to load than a small database to open. */
export const loadKnex = (): typeof import('knex').knex => (require('knex') as typeof import('knex')).knex

const builders = new Map<string, Knex>()

/** A knex that only builds statements of the dialect; it has no connection. */
export const builderFor = (client: 'pg' | 'better-sqlite3'): Knex => {
  const known = builders.get(client)
  if (known !== undefined) return known
  const made = loadKnex()({ client, ...(client === 'pg' ? {} : { useNullAsDefault: true }) })
  builders.set(client, made)
  return made
}
