import type { DatabaseConfig } from '../open.ts'
import type { RowSource, RowTarget } from './row-stream.ts'

/** A database as a source of rows, as it is at this moment. */
export const openSource = async (config: DatabaseConfig): Promise<RowSource> =>
  config.kind === 'sqlite'
    ? (await import('./sqlite-source.ts')).openSqliteSource(config.path)
    : (await import('./postgres-source.ts')).openPostgresSource(config.url)

/** A database that is to be filled. */
export const openTarget = async (config: DatabaseConfig): Promise<RowTarget> =>
  config.kind === 'sqlite'
    ? (await import('./sqlite-target.ts')).openSqliteTarget(config.path)
    : (await import('./postgres-target.ts')).openPostgresTarget(config.url)
