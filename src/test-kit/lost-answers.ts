import { type Database, DatabaseUnavailable, type WriteSet } from '../storage/database.ts'

/**
 * A database whose connection breaks just after a commit: the first set that `isLost` picks, and those after it until it
 * picks no more, are stored, but whoever wrote them is told that the database is gone.
 */
export const losingAnswers = (database: Database, isLost: (set: WriteSet) => boolean): Database => ({
  dialect: database.dialect,
  prepare: sql => database.prepare(sql),
  compile: build => database.compile(build),
  list: values => database.list(values),
  all: (prepared, parameters) => database.all(prepared, parameters),
  get: (prepared, parameters) => database.get(prepared, parameters),
  scan: (prepared, parameters) => database.scan(prepared, parameters),
  position: stream => database.position(stream),
  onCommit: listener => database.onCommit(listener),
  close: () => database.close(),
  commit: async set => {
    const result = await database.commit(set)
    if (result.ok && isLost(set)) throw new DatabaseUnavailable('the connection broke')
    return result
  },
})
