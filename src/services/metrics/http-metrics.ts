import { Counter, type Registry } from 'prom-client'
import { REQUEST_SECONDS } from './buckets.ts'
import { Distribution } from './distribution.ts'

/** One answered HTTP request. */
export interface HttpOutcome {
  /** `undefined` for pages and unknown paths. */
  readonly operationId: string | undefined
  readonly method: string
  readonly status: number
  readonly milliseconds: number
}

/** What is counted of HTTP requests. */
export interface HttpMetrics {
  answered(outcome: HttpOutcome): void
}

interface Labels {
  readonly operation: string
  readonly method: string
  readonly status: number
}

/** Makes its counters in a registry. */
export const httpMetrics = (registry: Registry): HttpMetrics => {
  /** By label, since prom-client takes a microsecond to put labels together. */
  const counts = new Map<string, { readonly labels: Labels; count: number }>()
  new Counter({
    name: 'tessera_http_requests_total',
    help: 'Answered requests, by operation of the API and status',
    labelNames: ['operation', 'method', 'status'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, count } of counts.values()) this.inc({ ...labels }, count)
    },
  })
  const duration = new Distribution({
    name: 'tessera_http_request_seconds',
    help: 'Time from the first byte of a request to the last of its response, waiting of long polls included',
    label: 'operation',
    buckets: REQUEST_SECONDS,
    registry,
  })
  return {
    answered: ({ operationId = 'other', method, status, milliseconds }) => {
      // Clients choose the method of unknown paths, and could make up any number of them.
      const label = operationId === 'other' ? 'any' : method
      const key = `${operationId} ${label} ${status}`
      const known = counts.get(key)
      if (known === undefined)
        counts.set(key, { labels: { operation: operationId, method: label, status }, count: 1 })
      else known.count += 1
      duration.add(milliseconds / 1000, operationId)
    },
  }
}
