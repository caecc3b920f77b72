import type { Connection, RequestParts } from './connection.ts'
import { describe } from './matrix.ts'
import type { Usage } from './process-usage.ts'
import type { RawResponse } from './response-parser.ts'
import type { Target } from './target.ts'

/** What one measured interval showed. Times are milliseconds, CPU is microseconds per successful request. */
export interface LoadResult {
  requests: number
  failures: number
  /** The first answer that was not 200. */
  firstFailure: string | undefined
  perSecond: number
  latencies: number[]
  serverCpu: number | undefined
  databaseCpu: number | undefined
  /** Share of one core that the load generator itself took, 0 to 1. */
  generatorShare: number
}

/** Collects answers of one interval and turns them into a result. */
export class Meter {
  readonly latencies: number[] = []
  private readonly target: Target
  private readonly startedAt = performance.now()
  private readonly generatorBefore = process.cpuUsage()
  private readonly serverBefore
  private readonly databaseBefore
  private failures = 0
  private firstFailure: string | undefined

  constructor(target: Target) {
    this.target = target
    this.serverBefore = target.usage()
    this.databaseBefore = target.databaseUsage()
  }

  /** @param since from when the latency counts, `performance.now()` */
  answered(parts: RequestParts, response: RawResponse, since: number): void {
    if (response.status === 200) this.latencies.push(response.lastByteAt - since)
    else this.failed(describe(parts, response))
  }

  failed(reason: string): void {
    this.failures += 1
    this.firstFailure ??= reason
  }

  finish(): LoadResult {
    const seconds = (performance.now() - this.startedAt) / 1000
    const { user, system } = process.cpuUsage(this.generatorBefore)
    const requests = this.latencies.length
    const perRequest = (before: Usage | undefined, after: Usage | undefined): number | undefined =>
      before === undefined || after === undefined || requests === 0
        ? undefined
        : ((after.cpuSeconds - before.cpuSeconds) * 1e6) / requests
    return {
      requests,
      failures: this.failures,
      firstFailure: this.firstFailure,
      perSecond: requests / seconds,
      latencies: this.latencies,
      serverCpu: perRequest(this.serverBefore, this.target.usage()),
      databaseCpu: perRequest(this.databaseBefore, this.target.databaseUsage()),
      generatorShare: (user + system) / 1e6 / seconds,
    }
  }
}

/** A closed loop: `connections` workers, each with one request in flight, as fast as the server answers. */
export interface ClosedLoopOptions {
  concurrency: number
  /** Measured time; a fifth of it is run before, unmeasured, to warm up. */
  seconds: number
  /** The next request of a worker (0 to concurrency − 1). */
  next(worker: number): RequestParts
}

/** Finds the rate that a server reaches. Latencies of a closed loop say nothing about waiting: see `openLoop`. */
export async function closedLoop(target: Target, options: ClosedLoopOptions): Promise<LoadResult> {
  let meter: Meter | undefined
  let running = true
  const connections = target.connections(options.concurrency)
  const workers = connections.map(async (connection, worker) => {
    while (running) {
      const parts = options.next(worker)
      const since = performance.now()
      const response = await connection.request(parts)
      meter?.answered(parts, response, since)
    }
  })
  // A failed worker is reported at once, not after the interval.
  const failure = Promise.all(workers)
  try {
    await Promise.race([failure, pause(options.seconds / 5)])
    meter = new Meter(target)
    await Promise.race([failure, pause(options.seconds)])
    const result = meter.finish()
    meter = undefined
    running = false
    await failure
    return result
  } finally {
    running = false
    for (const connection of connections) connection.close()
    await Promise.allSettled(workers)
  }
}

/** An open loop: requests start on a fixed schedule whether or not earlier ones have been answered. */
export interface OpenLoopOptions {
  connections: number
  perSecond: number
  seconds: number
  /** Request number `index`; `dueAt` is its place in the schedule, `performance.now()`. */
  request(index: number, dueAt: number): RequestParts
}

/**
 * Sends at a fixed rate. Each latency counts from the moment when the request was *due*, so that a server that
 * stalls is charged for all who would have come meanwhile (no coordinated omission).
 * @returns after the last answer
 */
export async function openLoop(target: Target, options: OpenLoopOptions): Promise<LoadResult> {
  const idle = target.connections(options.connections)
  const all = [...idle]
  const due: { parts: RequestParts; dueAt: number }[] = []
  const total = Math.max(1, Math.round(options.perSecond * options.seconds))
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const meter = new Meter(target)
  const startedAt = performance.now()
  let started = 0
  let answered = 0

  const serve = async (connection: Connection) => {
    for (let job = due.shift(); job !== undefined; job = due.shift()) {
      try {
        meter.answered(job.parts, await connection.request(job.parts), job.dueAt)
      } catch (error) {
        meter.failed(String(error))
      }
      answered += 1
    }
    idle.push(connection)
    if (answered === total) finish()
  }
  const timer = setInterval(() => {
    const now = performance.now()
    for (; started < total; started++) {
      const dueAt = startedAt + (started * 1000) / options.perSecond
      if (dueAt > now) break
      due.push({ parts: options.request(started, dueAt), dueAt })
      const connection = idle.pop()
      if (connection !== undefined) void serve(connection)
    }
    if (started === total) clearInterval(timer)
  }, 1)
  await finished
  for (const connection of all) connection.close()
  return meter.finish()
}

/** Waits for a promise, but no longer than that many seconds. @throws what the promise throws */
export async function atMost(seconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(done => {
    timer = setTimeout(done, seconds * 1000)
  })
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** @param seconds how long */
export function pause(seconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, seconds * 1000))
}
