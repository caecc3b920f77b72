import { Counter, type Registry } from 'prom-client'
import { COMMIT_SECONDS } from './buckets.ts'
import { Distribution } from './distribution.ts'

const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128]

/** What is counted of commits. */
export interface DatabaseMetrics {
  /** A group of so many write sets is durable. */
  committed(sets: number, milliseconds: number): void
  /** A write set could not be committed. */
  failed(error: unknown): void
}

/** Makes its counters in a registry. */
export const databaseMetrics = (registry: Registry): DatabaseMetrics => {
  const duration = new Distribution({
    name: 'tessera_database_commit_seconds',
    help: 'Time of a durable commit, of one or more write sets together',
    buckets: COMMIT_SECONDS,
    registry,
  })
  const size = new Distribution({
    name: 'tessera_database_commit_sets',
    help: 'Write sets that shared a commit',
    buckets: GROUP_SIZES,
    registry,
  })
  const failures = new Counter({
    name: 'tessera_database_commit_failures_total',
    help: 'Write sets that could not be committed',
    registers: [registry],
  })
  return {
    committed: (sets, milliseconds) => {
      size.add(sets)
      duration.add(milliseconds / 1000)
    },
    failed: () => failures.inc(),
  }
}
