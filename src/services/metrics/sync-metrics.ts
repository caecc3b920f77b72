import { Gauge, type Registry } from 'prom-client'
import { REQUEST_SECONDS } from './buckets.ts'
import { Distribution } from './distribution.ts'

/** What is counted of `/sync`. */
export interface SyncMetrics {
  answered(kind: 'initial' | 'incremental', milliseconds: number): void
  /** Requests that wait for something new; +1 and −1. */
  waiting(change: 1 | -1): void
}

/** Makes its counters in a registry. */
export const syncMetrics = (registry: Registry): SyncMetrics => {
  const duration = new Distribution({
    name: 'tessera_sync_seconds',
    help: 'Time of a sync without its waiting',
    label: 'kind',
    buckets: REQUEST_SECONDS,
    registry,
  })
  let waiting = 0
  new Gauge({
    name: 'tessera_sync_waiting',
    help: 'Clients that wait for something new',
    registers: [registry],
    collect() {
      this.set(waiting)
    },
  })
  return {
    answered: (kind, milliseconds) => duration.add(milliseconds / 1000, kind),
    waiting: change => {
      waiting += change
    },
  }
}
