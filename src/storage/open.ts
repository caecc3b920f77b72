import type { Database } from './database.ts'
import type { CommitMeter } from './dialect/group-committer.ts'
import type { Connect } from './dialect/postgres-connection.ts'
import { openSqlite } from './dialect/sqlite-open.ts'
import type { Migrated } from './migrate.ts'

export type { Connect, Migrated }

/** Where the data is kept. */
export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres'
      readonly url: string
      readonly poolSize?: number
      /** How connections come about; by default each is made when it is needed. */
      readonly connect?: Connect | undefined
    }

export interface OpenOptions {
  /** Told of migrations that ran. */
  readonly onMigrated?: (migrated: Migrated) => void
  /** Told of connections lost (`warn`) and found again. */
  readonly log?: (level: 'info' | 'warn', message: string) => void
  /** How long an outage of a database server is waited out before its callers are told, in milliseconds (10,000). */
  readonly patience?: number
  /** How long a database server that says nothing is waited for before its connections are given up, in milliseconds (10,000). */
  readonly silence?: number
  /** Whether a server runs on it from now on, until it is closed. SQLite refuses a second one. */
  readonly forService?: boolean
  /** Whether it may be one that is being filled from other data, which everybody else is refused. */
  readonly isBeingFilled?: boolean
  /** Told what commits come to. */
  readonly meter?: CommitMeter
}

/**
 * Opens the database, after bringing its schema up to date.
 *
 * Throws `DatabaseTooNew` when a newer version of the program has made it unusable for this one, and
 * `DatabaseUnavailable` when it cannot be reached or written, is only half filled, or would be made unusable for servers of an
 * older version that run on it.
 */
export const openDatabase = async (config: DatabaseConfig, options: OpenOptions = {}): Promise<Database> => {
  if (config.kind === 'sqlite') return openSqlite(config.path, options)
  const { openPostgres } = await import('./dialect/postgres-open.ts')
  return openPostgres(config, options)
}
