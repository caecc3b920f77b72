import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client'
import { cacheMetrics } from './cache-metrics.ts'
import { type DatabaseMetrics, databaseMetrics } from './database-metrics.ts'
import { type FederationMetrics, federationMetrics } from './federation-metrics.ts'
import { type HttpMetrics, httpMetrics } from './http-metrics.ts'
import { type RoomMetrics, roomMetrics } from './room-metrics.ts'
import { type SyncMetrics, syncMetrics } from './sync-metrics.ts'

/** What is counted, by who counts it. All methods are cheap and never throw. */
export interface Metrics {
  readonly http: HttpMetrics
  readonly database: DatabaseMetrics
  readonly rooms: RoomMetrics
  readonly federation: FederationMetrics
  readonly sync: SyncMetrics
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>
  /** Everything as plain values, to be put together with that of other processes. */
  figures(): Promise<object>
  readonly contentType: string
}

/**
 * Makes a registry of its own, so that several servers in one process do not count for each other.
 *
 * @param options.ofAll The `figures` of all processes of the server, where there are several.
 * @param options.process Whether memory, CPU, garbage collection and the lag of the event loop are measured as well.
 */
export const createMetrics = (options: {
  readonly process: boolean
  readonly ofAll?: (() => Promise<readonly object[]>) | undefined
}): Metrics => {
  const registry = new Registry()
  if (options.process) {
    collectDefaultMetrics({ register: registry })
    cacheMetrics(registry)
  }
  return {
    http: httpMetrics(registry),
    database: databaseMetrics(registry),
    rooms: roomMetrics(registry),
    federation: federationMetrics(registry),
    sync: syncMetrics(registry),
    text: async () => {
      if (options.ofAll === undefined) return registry.metrics()
      const all = (await options.ofAll()) as Parameters<typeof AggregatorRegistry.aggregate>[0]
      return AggregatorRegistry.aggregate(all).metrics()
    },
    figures: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}
