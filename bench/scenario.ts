import type { JoinerKind } from './joiners.ts'
import type { LoadResult } from './load.ts'
import { median, percentile } from './statistics.ts'
import type { Target } from './target.ts'

/** One line of the table: the server's value beside the bare echo's under the same load. */
export interface Row {
  measure: string
  unit: string
  server: number | undefined
  echo: number | undefined
}

/** What every scenario gets. */
export interface Bench {
  server: Target
  echo: Target
  /** Length of one measured interval, seconds. */
  seconds: number
  /** How often server and echo take turns. */
  rounds: number
  /** Connections of the sending scenarios. */
  concurrency: number
  /** Rooms of the account that does an initial sync. */
  rooms: number
  /** Clients that wait in /sync while latency is measured. */
  listeners: number
  /** Listeners per room while latency is measured. */
  fanOut: number
  /** Members of the room that is joined. */
  members: number
  /** Which servers are started, by scenarios that start their own. */
  kind: JoinerKind
  /** Clients that wait in /sync while memory is measured. */
  waiting: number
  /** Seconds for which memory must hold still to count as settled. */
  settle: number
  /** Sends per second while latency is measured; undefined: half of what the server can. */
  rate: number | undefined
  /** Memory before the first request, bytes; undefined when the server was not started by us. */
  memoryAtStart: { server: number | undefined; echo: number | undefined }
  /** What `many-rooms` found, for the scenarios that load a part of it. */
  measuredSendRate: number | undefined
  /** Remarks under the table. */
  notes: string[]
  progress(text: string): void
}

/** One file under `scenarios/`. */
export interface Scenario {
  name: string
  /** It starts servers of its own, of these kinds: a table of any other server has no place for it. */
  startsItsOwn?: readonly ('tessera' | 'synapse')[]
  run(bench: Bench): Promise<Row[]>
}

/** The results of both sides, one per round. */
export interface Sides<Result> {
  server: Result[]
  echo: Result[]
}

/** Measures echo and server in turns, so that a disturbance of the machine hits both. */
export async function interleave<Result>(
  bench: Bench,
  rounds: number,
  measure: (target: Target, side: 'server' | 'echo') => Promise<Result>,
): Promise<Sides<Result>> {
  const results: Sides<Result> = { server: [], echo: [] }
  for (let round = 0; round < rounds; round++) {
    for (const side of ['echo', 'server'] as const) results[side].push(await measure(bench[side], side))
  }
  return results
}

/** A row with the median over the rounds of one figure of the results. */
export function medianRow<Result>(
  measure: string,
  unit: string,
  sides: Sides<Result>,
  figure: (result: Result) => number | undefined,
): Row {
  return { measure, unit, server: median(sides.server.map(figure)), echo: median(sides.echo.map(figure)) }
}

/** A row with a percentile over the samples of all rounds together, milliseconds. */
export function percentileRow<Result>(
  measure: string,
  quantile: number,
  sides: Sides<Result>,
  samples: (result: Result) => readonly number[],
): Row {
  const over = (results: Result[]) => percentile(results.flatMap(samples), quantile)
  return {
    measure: `${measure} p${quantile * 100}`,
    unit: 'ms',
    server: over(sides.server),
    echo: over(sides.echo),
  }
}

/** The rows that every load has: whose CPU it took. */
export function costRows(measure: string, sides: Sides<LoadResult>): Row[] {
  const database = medianRow(
    `${measure}: CPU of the database server per request`,
    'µs',
    sides,
    result => result.databaseCpu,
  )
  return [
    medianRow(`${measure}: server CPU per request`, 'µs', sides, result => result.serverCpu),
    ...(database.server === undefined ? [] : [database]),
    medianRow(
      `${measure}: CPU of the load generator`,
      '% of a core',
      sides,
      result => result.generatorShare * 100,
    ),
  ]
}

/** Notes failed requests; a figure that contains them means nothing without that remark. */
export function noteFailures(bench: Bench, scenario: string, sides: Sides<LoadResult>): void {
  for (const side of ['server', 'echo'] as const) {
    const failures = sides[side].reduce((sum, result) => sum + result.failures, 0)
    const example = sides[side].find(result => result.firstFailure !== undefined)?.firstFailure
    if (failures > 0) bench.notes.push(`${scenario}: ${failures} requests to ${side} failed, e.g. ${example}`)
  }
}
