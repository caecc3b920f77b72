import type { Knex } from 'knex'
import { COMPATIBLE_BACK_TO, migrationSource, migrations, SCHEMA_VERSION } from '../../migrations/index.ts'
import { DatabaseTooNew, DatabaseUnavailable } from './database.ts'
import { loadKnex } from './knex.ts'

/** The row of `schema_info`: what the database says about itself. */
export interface SchemaInfo {
  readonly version: number
  readonly compatible_back_to: number
}

export const READ_SCHEMA_INFO = 'SELECT version, compatible_back_to FROM schema_info WHERE id = 1'

/**
 * Whether migrations have to run; `found` is `undefined` for an empty database. A database of a later version is
 * used as it is when it says that we may.
 *
 * Throws `DatabaseTooNew` when it says that we may not.
 */
export const needsMigration = (found: SchemaInfo | undefined): boolean => {
  if (found === undefined || found.version < SCHEMA_VERSION) return true
  if (found.compatible_back_to > SCHEMA_VERSION) {
    throw new DatabaseTooNew(found.version, SCHEMA_VERSION)
  }
  return false
}

/** Whether programs that have made it what it is can no longer use it once it is brought up to date. */
export const shutsOut = (found: SchemaInfo | undefined): boolean =>
  found !== undefined && found.version < COMPATIBLE_BACK_TO

/** What is to be done about such programs that run on it. */
export const SHUT_OUT =
  'this version changes the database in a way that older ones do not understand: stop all servers of the older version first (on PostgreSQL, one that was killed counts for half a minute more)'

/** What a start has done to the schema. */
export interface Migrated {
  readonly applied: number
  readonly milliseconds: number
}

/** What is wrong with the disk, the file or the server of a database, not with what it was asked: codes of SQLite, then of PostgreSQL. */
const OUTSIDE = /^(SQLITE_(?!ERROR|CONSTRAINT|MISMATCH|RANGE|MISUSE)|08|25006|53|57|58)/

/** A failure to migrate as a sentence for the operator, where the program is not to blame. */
const failureOf = (error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!(error instanceof Error) || !OUTSIDE.test(code)) return error
  // The builder of queries puts the statement before it.
  const reason = error.message.split(' - ').at(-1)
  return new DatabaseUnavailable(`the database cannot be brought up to date: ${reason}`, { cause: error })
}

/**
 * Runs all pending migrations in one transaction, and records the schema's version in it. Throws `DatabaseUnavailable`, with a
 * sentence for the operator, where the disk or the database server does not let it.
 *
 * @param version only the first so many, for data of an older program that is to be loaded
 */
export const migrate = async (
  config: Knex.Config,
  onMigrated: (migrated: Migrated) => void = () => undefined,
  version = SCHEMA_VERSION,
): Promise<void> => {
  const started = performance.now()
  const knex = loadKnex()({ ...config, pool: { min: 0, max: 1, ...config.pool }, log: silent })
  try {
    const [, names] = await knex.migrate.latest({
      migrationSource: { ...migrationSource, getMigrations: async () => migrations.slice(0, version) },
      afterAll: async trx => {
        await trx('schema_info')
          .insert({ id: 1, version, compatible_back_to: Math.min(version, COMPATIBLE_BACK_TO) })
          .onConflict('id')
          .merge()
      },
    })
    if (names.length > 0)
      onMigrated({ applied: names.length, milliseconds: Math.round(performance.now() - started) })
  } catch (error) {
    throw failureOf(error)
  } finally {
    await knex.destroy()
  }
}

/** Failures are thrown; knex would print them as well. */
const silent = {
  warn: () => undefined,
  error: () => undefined,
  deprecate: () => undefined,
  debug: () => undefined,
}
