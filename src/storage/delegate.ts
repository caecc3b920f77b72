import type { Database } from './database.ts'

/** All methods of a database, to be spread into one that does some of them differently. */
export const delegate = (database: Database): Database => ({
  dialect: database.dialect,
  mark: database.mark,
  isGone: mark => database.isGone(mark),
  prepare: sql => database.prepare(sql),
  compile: query => database.compile(query),
  list: values => database.list(values),
  all: (prepared, parameters) => database.all(prepared, parameters),
  get: (prepared, parameters) => database.get(prepared, parameters),
  scan: (prepared, parameters) => database.scan(prepared, parameters),
  position: stream => database.position(stream),
  commit: set => database.commit(set),
  onCommit: listener => database.onCommit(listener),
  close: () => database.close(),
})
