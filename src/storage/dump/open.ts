import { DatabaseUnavailable } from '../database.ts'
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

/** What an error of either driver means, or what caused it, where it is for the disk, the file or the database server: `undefined` for all others. */
export const unavailableBy = async (error: unknown): Promise<DatabaseUnavailable | undefined> => {
  const { errorOf: ofSqlite } = await import('../dialect/sqlite-connection.ts')
  const { errorOf: ofPostgres, isOfServer } = await import('../dialect/postgres-errors.ts')
  for (let each = error; each instanceof Error; each = each.cause) {
    const meant = isOfServer(each) ? ofPostgres(each) : ofSqlite(each)
    if (meant instanceof DatabaseUnavailable) return meant
  }
  return undefined
}
