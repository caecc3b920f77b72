import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Database, DatabaseUnavailable } from '../database.ts'
import { HALF_FILLED, PROGRESS_TABLE } from '../dump/row-stream.ts'
import {
  type Migrated,
  migrate,
  needsMigration,
  READ_SCHEMA_INFO,
  type SchemaInfo,
  SHUT_OUT,
  shutsOut,
} from '../migrate.ts'
import type { CommitMeter } from './group-committer.ts'
import { SqliteDatabase } from './sqlite.ts'
import { errorOf } from './sqlite-connection.ts'
import { holdForService, refuseHeld } from './sqlite-service.ts'

export interface SqliteOptions {
  readonly onMigrated?: (migrated: Migrated) => void
  readonly meter?: CommitMeter
  /** Whether it is opened to serve from, which one process does at a time. */
  readonly forService?: boolean
  /** Whether it may be one that is being filled. */
  readonly isBeingFilled?: boolean
}

/**
 * Opens the SQLite database in the file `path`, which is made, with its directory, where it is missing; brings its
 * schema up to date.
 *
 * Throws `DatabaseTooNew`, or `DatabaseUnavailable` with a sentence that names the file and what is wrong.
 */
export const openSqlite = async (
  path: string,
  { onMigrated, meter, forService = false, isBeingFilled = false }: SqliteOptions,
): Promise<Database> => {
  const file = resolve(path)
  makeFile(file)
  const service = forService ? holdForService(file) : undefined
  const onClosed = (): void => service?.end()
  try {
    const found = readSchemaInfo(file, isBeingFilled)
    if (needsMigration(found)) {
      if (!forService && shutsOut(found)) refuseShutOut(file)
      const config = { client: 'better-sqlite3', connection: { filename: file }, useNullAsDefault: true }
      await migrate(config, onMigrated)
    }
    return new SqliteDatabase(file, { meter, onClosed })
  } catch (error) {
    onClosed()
    throw error
  }
}

/** The file holds secrets, so only its owner may read it; the log beside it gets the same mode from SQLite. */
const makeFile = (file: string): void => {
  const directory = dirname(file)
  try {
    mkdirSync(directory, { recursive: true })
    // The log and its index are made and removed beside the file.
    accessSync(directory, constants.W_OK | constants.X_OK)
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK)
    else closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw new DatabaseUnavailable(`cannot write the database ${file}: ${reasonOf(error, directory)}`, {
      cause: error,
    })
  }
}

const reasonOf = (error: unknown, directory: string): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EACCES' || code === 'EPERM') return `no permission to write it or its directory ${directory}`
  if (code === 'EROFS') return `${directory} is on a read-only file system`
  if (code === 'ENOSPC') return 'the disk is full'
  return error instanceof Error ? error.message : String(error)
}

/** A command that is newer than the server that runs must not take the database from it. */
const refuseShutOut = (file: string): void => {
  try {
    refuseHeld(file)
  } catch (cause) {
    throw new DatabaseUnavailable(SHUT_OUT, { cause })
  }
}

const readSchemaInfo = (file: string, isBeingFilled: boolean): SchemaInfo | undefined => {
  let raw: Sqlite.Database | undefined
  try {
    raw = new Sqlite(file, { timeout: 10_000 })
    raw.pragma('journal_mode = WAL')
    const find = raw.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?')
    if (!isBeingFilled && find.get(PROGRESS_TABLE) !== undefined)
      throw new DatabaseUnavailable(`the database ${file} ${HALF_FILLED}`)
    const isKnown = find.get('schema_info') !== undefined
    return isKnown ? raw.prepare<[], SchemaInfo>(READ_SCHEMA_INFO).get() : undefined
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error
    const { message } = errorOf(error)
    throw new DatabaseUnavailable(`cannot use the database ${file}: ${message}`, { cause: error })
  } finally {
    raw?.close()
  }
}
