import type { CommitResult, Database, WriteSet } from './database.ts'

/** Told of every write set: how long its commit took (ms), or that it failed. */
export interface CommitMeter {
  committed(sets: number, milliseconds: number): void
  failed(): void
}

/** The same database, its commits measured. */
export const metered = (database: Database, meter: CommitMeter): Database => ({
  dialect: database.dialect,
  prepare: sql => database.prepare(sql),
  compile: query => database.compile(query),
  list: values => database.list(values),
  all: (prepared, parameters) => database.all(prepared, parameters),
  get: (prepared, parameters) => database.get(prepared, parameters),
  scan: (prepared, parameters) => database.scan(prepared, parameters),
  position: stream => database.position(stream),
  commit: set => measured(database, set, meter),
  onCommit: listener => database.onCommit(listener),
  close: () => database.close(),
})

const measured = async (database: Database, set: WriteSet, meter: CommitMeter): Promise<CommitResult> => {
  const started = performance.now()
  try {
    const result = await database.commit(set)
    meter.committed(1, performance.now() - started)
    return result
  } catch (error) {
    meter.failed()
    throw error
  }
}
