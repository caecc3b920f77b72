import { Counter, Histogram, type Registry } from 'prom-client'
import { REQUEST_SECONDS } from './buckets.ts'

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

/** Makes its counters in a registry. */
export const httpMetrics = (registry: Registry): HttpMetrics => {
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
