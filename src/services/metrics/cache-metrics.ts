import { Counter, Gauge, type Registry } from 'prom-client'
import { type CacheFigures, cacheFigures } from '../../core/caches.ts'

/** The caches of the process, as they are when somebody asks. */
export const cacheMetrics = (registry: Registry): void => {
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
