import pg from 'pg'
import { ConstraintError, DatabaseGaveUp, DatabaseUnavailable } from '../database.ts'

/** Whether the connection is gone, rather than a statement refused: what was under way has no known outcome. */
export const isLost = (error: unknown): boolean => {
  if (error instanceof pg.DatabaseError) return /^(57P0|08|25P0[34])/.test(error.code ?? '')
  if (!(error instanceof Error)) return false
  return 'syscall' in error || /^Connection terminated|not queryable|timeout expired/.test(error.message)
}

/** Whether it is of a database server, or of the way to it, not of a file. */
export const isOfServer = (error: unknown): boolean =>
  error instanceof pg.DatabaseError || (isLost(error) && !(error instanceof Error && 'path' in error))

/** Whether the server refused in favour of a concurrent transaction, and the same may succeed if tried again. */
export const isConflict = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')

/** Time limits of the server: for a lock, a statement, a pause within a transaction, a whole one; two of them end the connection as well. */
const LATE = /^(55P03|57014|25P0[34])/

/** What an error of the driver means to the callers of `Database`. */
export const errorOf = (error: unknown): Error => {
  if (error instanceof ConstraintError || error instanceof DatabaseUnavailable) return error
  // What the server gave up for the sake of others, or because it took too long, is no more stored than what never reached it.
  if (error instanceof pg.DatabaseError && (isConflict(error) || LATE.test(error.code ?? '')))
    return new DatabaseGaveUp(error.message, { cause: error })
  if (isLost(error))
    return new DatabaseUnavailable('the connection to the database was lost', { cause: error })
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? ''
    if (code.startsWith('23'))
      return new ConstraintError(error.constraint ?? error.column ?? code, { cause: error })
    if (/^(53|58|25006)/.test(code)) return new DatabaseUnavailable(error.message, { cause: error })
    return new Error(error.message, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
