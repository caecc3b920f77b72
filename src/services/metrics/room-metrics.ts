import { Counter, Histogram, type Registry } from 'prom-client'
import { COMMIT_SECONDS } from './buckets.ts'

/** What is counted of rooms and their events. */
export interface RoomMetrics {
  /** An event has entered a room's timeline: made here, or come from another server. */
  stored(origin: 'local' | 'remote'): void
  /** Branches of a room were resolved, looking at so many events in conflict. */
  resolved(events: number, milliseconds: number): void
  /** A resolution has set back memberships or power levels against the word of all sides. */
  reset(): void
}

/** Makes its counters in a registry. */
export const roomMetrics = (registry: Registry): RoomMetrics => {
  const stored = { local: 0, remote: 0 }
  new Counter({
    name: 'tessera_events_stored_total',
    help: 'Events that have entered the timeline of a room, by where they were made',
    labelNames: ['origin'],
    registers: [registry],
    collect() {
      this.reset()
      for (const origin of ['local', 'remote'] as const)
        if (stored[origin] > 0) this.inc({ origin }, stored[origin])
    },
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
    stored: origin => {
      stored[origin] += 1
    },
    resolved: (events, milliseconds) => {
      resolution.observe(milliseconds / 1000)
      conflicting.inc(events)
    },
    reset: () => resets.inc(),
  }
}
