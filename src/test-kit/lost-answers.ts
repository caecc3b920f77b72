import { type Database, DatabaseUnavailable, type WriteSet } from '../storage/database.ts'
import { delegate } from '../storage/delegate.ts'

/**
 * A database whose connection breaks just after a commit: the first set that `isLost` picks, and those after it until it
 * picks no more, are stored, but whoever wrote them is told that the database is gone.
 */
export const losingAnswers = (database: Database, isLost: (set: WriteSet) => boolean): Database => ({
  ...delegate(database),
  commit: async set => {
    const result = await database.commit(set)
    if (result.ok && isLost(set)) throw new DatabaseUnavailable('the connection broke')
    return result
  },
})
