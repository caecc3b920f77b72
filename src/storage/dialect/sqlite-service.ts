import { closeSync, existsSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../database.ts'
import { errorOf } from './sqlite-connection.ts'

/**
 * Has the database in `file` for a server alone, until `end` is called or this process is gone: processes on one SQLite
 * database would not hear of each other, and answer from memory what the other has changed.
 *
 * What is held is a lock on an empty database beside it, which the system takes back however a process ends. The database
 * itself stays open to commands that run beside the server.
 *
 * Throws `DatabaseUnavailable` if a server has it.
 */
export const holdForService = (file: string): { end(): void } => {
  const beside = lockOf(file)
  let lock: Sqlite.Database | undefined
  try {
    closeSync(openSync(beside, 'a', 0o600))
    lock = new Sqlite(beside, { timeout: 0 })
    // Nothing is written, so that there is nothing to undo.
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    if (isBusy(error)) {
      throw new DatabaseUnavailable(`a server is running on the database ${file}: stop it first`)
    }
    throw new DatabaseUnavailable(`cannot use ${beside}: ${errorOf(error).message}`, { cause: error })
  }
  const held = lock
  return { end: () => held.close() }
}

/**
 * Throws `DatabaseUnavailable` if a server has the database. The lock is not made for that: it would belong to whoever gives the command, and a
 * server of another user could not take it.
 */
export const refuseHeld = (file: string): void => {
  if (existsSync(lockOf(file))) holdForService(file).end()
}

const lockOf = (file: string): string => `${file}-service`

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'
