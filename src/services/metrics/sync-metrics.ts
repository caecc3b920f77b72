import { Gauge, Histogram, type Registry } from 'prom-client'
import { REQUEST_SECONDS } from './buckets.ts'

/** What is counted of `/sync`. */
export interface SyncMetrics {
  answered(kind: 'initial' | 'incremental', milliseconds: number): void
  /** Requests that wait for something new; +1 and −1. */
  waiting(change: 1 | -1): void
}

/** Makes its counters in a registry. */
export const syncMetrics = (registry: Registry): SyncMetrics => {
  const registers = [registry]
  const duration = new Histogram({
    name: 'tessera_sync_seconds',
    help: 'Time of a sync without its waiting',
    labelNames: ['kind'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const waiting = new Gauge({
    name: 'tessera_sync_waiting',
    help: 'Clients that wait for something new',
    registers,
  })
  return {
    answered: (kind, milliseconds) => duration.observe({ kind }, milliseconds / 1000),
    waiting: change => waiting.inc(change),
  }
}
