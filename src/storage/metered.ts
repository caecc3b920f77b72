import type { CommitResult, Database, WriteSet } from './database.ts'
import { delegate } from './delegate.ts'

/** Told of every write set: how long its commit took (ms), or that it failed. */
export interface CommitMeter {
  committed(sets: number, milliseconds: number): void
  failed(): void
}

/** The same database, its commits measured. */
export const metered = (database: Database, meter: CommitMeter): Database => ({
  ...delegate(database),
  commit: set => measured(database, set, meter),
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
