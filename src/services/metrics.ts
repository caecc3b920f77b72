import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type CacheFigures, cacheFigures } from '../core/caches.ts'

/** One answered HTTP request. */
export interface HttpOutcome {
  /** `undefined` for pages and unknown paths. */
  readonly operationId: string | undefined
  readonly method: string
  readonly status: number
  readonly milliseconds: number
}

export type PduVerdict = 'accepted' | 'soft-failed' | 'rejected' | 'missing'

/** What is counted, by who counts it. All methods are cheap and never throw. */
export interface Metrics {
  readonly http: {
    answered(outcome: HttpOutcome): void
  }
  readonly database: {
    /** A commit group of so many write sets is durable. */
    committed(sets: number, milliseconds: number): void
    failed(): void
  }
  readonly rooms: {
    /** An event has entered a room's timeline: made here, or come from another server. */
    stored(origin: 'local' | 'remote'): void
    /** Branches of a room were resolved, looking at so many events in conflict. */
    resolved(events: number, milliseconds: number): void
    /** A resolution has set back memberships or power levels against the word of all sides. */
    reset(): void
  }
  readonly federation: {
    /** A transaction was acknowledged, or not, by its destination. */
    sent(result: 'ok' | 'failed', pdus: number, edus: number, milliseconds: number): void
    received(pdus: number, edus: number): void
    judged(verdict: PduVerdict): void
    /** A destination never took an event or EDU, which was therefore passed over. */
    setAside(kind: 'pdu' | 'edu'): void
  }
  readonly sync: {
    answered(kind: 'initial' | 'incremental', milliseconds: number): void
    /** Requests that wait for something new; +1 and −1. */
    waiting(change: 1 | -1): void
  }
  /** A figure that is read when somebody asks for it. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>
  /** Everything as plain values, to be put together with that of other processes. */
  figures(): Promise<object>
  readonly contentType: string
}

/** Seconds. From a cached answer to a long poll. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128]

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
    gauge: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          this.set(await read())
        },
      })
    },
    text: async () => {
      if (options.ofAll === undefined) return registry.metrics()
      const all = (await options.ofAll()) as Parameters<typeof AggregatorRegistry.aggregate>[0]
      return AggregatorRegistry.aggregate(all).metrics()
    },
    figures: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}

/** The caches of the process, as they are when somebody asks. */
const cacheMetrics = (registry: Registry): void => {
  const gauge = (name: string, help: string, of: (figures: CacheFigures) => number): void => {
    new Gauge({
      ...{ name, help, labelNames: ['cache'], registers: [registry] },
      collect() {
        for (const figures of cacheFigures()) this.set({ cache: figures.name }, of(figures))
      },
    })
  }
  gauge('tessera_cache_entries', 'What a cache holds', ({ entries }) => entries)
  gauge('tessera_cache_bytes', 'What a cache takes of memory, estimated', ({ bytes }) => bytes)
  gauge('tessera_cache_max_bytes', 'What a cache may take of memory', ({ maxBytes }) => maxBytes)
  new Counter({
    name: 'tessera_cache_lookups_total',
    help: 'Looks into a cache, and whether what was looked for was there',
    labelNames: ['cache', 'result'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name: cache, hits, misses } of cacheFigures()) {
        this.inc({ cache, result: 'hit' }, hits)
        this.inc({ cache, result: 'miss' }, misses)
      }
    },
  })
}

const httpMetrics = (registry: Registry): Metrics['http'] => {
  const registers = [registry]
  const requests = new Counter({
    name: 'tessera_http_requests_total',
    help: 'Answered requests, by operation of the API and status',
    labelNames: ['operation', 'method', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'tessera_http_request_seconds',
    help: 'Time from the first byte of a request to the last of its response, waiting of long polls included',
    labelNames: ['operation'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  return {
    answered: ({ operationId = 'other', method, status, milliseconds }) => {
      // Clients choose the method of unknown paths, and could make up any number of them.
      const label = operationId === 'other' ? 'any' : method
      requests.inc({ operation: operationId, method: label, status })
      duration.observe({ operation: operationId }, milliseconds / 1000)
    },
  }
}

const databaseMetrics = (registry: Registry): Metrics['database'] => {
  const registers = [registry]
  const duration = new Histogram({
    name: 'tessera_database_commit_seconds',
    help: 'Time of a durable commit',
    buckets: COMMIT_SECONDS,
    registers,
  })
  const size = new Histogram({
    name: 'tessera_database_commit_sets',
    help: 'Write sets that shared a commit',
    buckets: GROUP_SIZES,
    registers,
  })
  const failures = new Counter({
    name: 'tessera_database_commit_failures_total',
    help: 'Commits that did not come to pass',
    registers,
  })
  return {
    committed: (sets, milliseconds) => {
      size.observe(sets)
      duration.observe(milliseconds / 1000)
    },
    failed: () => failures.inc(),
  }
}

const roomMetrics = (registry: Registry): Metrics['rooms'] => {
  const stored = new Counter({
    name: 'tessera_events_stored_total',
    help: 'Events that have entered the timeline of a room, by where they were made',
    labelNames: ['origin'],
    registers: [registry],
  })
  const resolution = new Histogram({
    name: 'tessera_state_resolution_seconds',
    help: 'Time to resolve branches of a room that disagree, loading included',
    buckets: COMMIT_SECONDS,
    registers: [registry],
  })
  const conflicting = new Counter({
    name: 'tessera_state_resolution_events_total',
    help: 'Events that stood in conflict when branches were resolved',
    registers: [registry],
  })
  const resets = new Counter({
    name: 'tessera_state_resets_total',
    help: 'Resolutions that set back memberships or power levels which all sides held',
    registers: [registry],
  })
  return {
    stored: origin => stored.inc({ origin }),
    resolved: (events, milliseconds) => {
      resolution.observe(milliseconds / 1000)
      conflicting.inc(events)
    },
    reset: () => resets.inc(),
  }
}

const federationMetrics = (registry: Registry): Metrics['federation'] => {
  const registers = [registry]
  const transactions = new Counter({
    name: 'tessera_federation_transactions_total',
    help: 'Transactions, by direction and result',
    labelNames: ['direction', 'result'],
    registers,
  })
  const units = new Counter({
    name: 'tessera_federation_units_total',
    help: 'PDUs and EDUs in transactions, by direction',
    labelNames: ['direction', 'kind'],
    registers,
  })
  const duration = new Histogram({
    name: 'tessera_federation_send_seconds',
    help: 'Time until a destination acknowledged a transaction',
    buckets: REQUEST_SECONDS,
    registers,
  })
  const verdicts = new Counter({
    name: 'tessera_federation_pdus_judged_total',
    help: 'Received PDUs, by what became of them',
    labelNames: ['verdict'],
    registers,
  })
  const setAside = new Counter({
    name: 'tessera_federation_set_aside_total',
    help: 'PDUs and EDUs that a destination never took, and that were passed over',
    labelNames: ['kind'],
    registers,
  })
  const count = (direction: 'in' | 'out', pdus: number, edus: number): void => {
    units.inc({ direction, kind: 'pdu' }, pdus)
    units.inc({ direction, kind: 'edu' }, edus)
  }
  return {
    sent: (result, pdus, edus, milliseconds) => {
      transactions.inc({ direction: 'out', result })
      if (result !== 'ok') return
      count('out', pdus, edus)
      duration.observe(milliseconds / 1000)
    },
    received: (pdus, edus) => {
      transactions.inc({ direction: 'in', result: 'ok' })
      count('in', pdus, edus)
    },
    judged: verdict => verdicts.inc({ verdict }),
    setAside: kind => setAside.inc({ kind }),
  }
}

const syncMetrics = (registry: Registry): Metrics['sync'] => {
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
