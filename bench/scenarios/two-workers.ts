import { cpus } from 'node:os'
import { isPostgresInstalled } from '../../scripts/postgres.ts'
import { closedLoop, type LoadResult } from '../load.ts'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { type Seat, seatsInOwnRooms, sendingFrom } from '../sending.ts'
import { median } from '../statistics.ts'
import { startTessera } from '../subject.ts'
import { Target } from '../target.ts'

/** A server of one process or of two, on a PostgreSQL of its own. */
interface Side {
  readonly target: Target
  readonly seats: readonly Seat[]
  readonly results: LoadResult[]
  stop(): Promise<void>
}

/**
 * What a second process brings: sends to many rooms, to one process and to two in turns, and whose CPU they take. All of them share
 * the machine with PostgreSQL and the load generator, so that its cores set a bound that is told as well.
 */
export const twoWorkers: Scenario = {
  name: 'two-workers',
  startsItsOwn: ['tessera'],
  async run(bench) {
    if (!isPostgresInstalled()) {
      bench.notes.push('two-workers: PostgreSQL is not installed')
      return []
    }
    const one = await start(bench, 1)
    try {
      const two = await start(bench, 2)
      try {
        return await measured(bench, one, two)
      } finally {
        await two.stop()
      }
    } finally {
      await one.stop()
    }
  },
}

async function start(bench: Bench, workers: number): Promise<Side> {
  bench.progress(`two-workers: starting ${workers}`)
  const subject = await startTessera({ name: `${workers}`, database: 'postgres', workers })
  const target = new Target(subject)
  try {
    const seats = await seatsInOwnRooms(target, bench.concurrency)
    return { target, seats, results: [], stop: subject.stop }
  } catch (error) {
    await subject.stop()
    throw error
  }
}

async function measured(bench: Bench, one: Side, two: Side): Promise<Row[]> {
  const { concurrency, seconds, rounds } = bench
  const load = ({ target, seats }: Side) =>
    closedLoop(target, { concurrency, seconds, next: sendingFrom(target, seats) })
  // What has not run before is compiled first: two processes have twice as much of that to do, and the second of them may not
  // have been there yet when the connections of the first load were made.
  bench.progress('two-workers: warming up')
  for (const side of [one, two, one, two]) await load(side)
  for (let round = 0; round < rounds; round++) {
    bench.progress(`two-workers: round ${round + 1} of ${rounds}`)
    for (const side of [one, two]) side.results.push(await load(side))
  }
  const costs = [one, two].map(costOf)
  const rates = [one, two].map(
    ({ results }) => median(results.map(({ perSecond }) => perSecond)) ?? Number.NaN,
  )
  const [alone = Number.NaN, both = Number.NaN] = rates
  const inAll = (cpus().length * 1e6) / (costs[1]?.all ?? Number.NaN)
  const row = (measure: string, unit: string, value: number | undefined): Row => ({
    measure: `sends to many rooms, PostgreSQL: ${measure}`,
    unit,
    server: value,
    echo: undefined,
  })
  return [
    row('one process', '1/s', alone),
    row('two processes', '1/s', both),
    row('two by one', '', both / alone),
    row('two by one, if all cores did nothing else', '', inAll / alone),
    ...(['one process', 'two processes'] as const).flatMap((what, index) => [
      row(`${what}: server CPU per send`, 'µs', costs[index]?.server),
      row(`${what}: CPU of PostgreSQL per send`, 'µs', costs[index]?.database),
      row(`${what}: CPU of the load generator per send`, 'µs', costs[index]?.generator),
    ]),
  ]
}

/** Microseconds per send. */
function costOf({ results }: Side): { server: number; database: number; generator: number; all: number } {
  const cost = (figure: (result: LoadResult) => number | undefined) =>
    median(results.map(figure)) ?? Number.NaN
  const server = cost(result => result.serverCpu)
  const database = cost(result => result.databaseCpu)
  const generator = cost(({ generatorShare, perSecond }) => (generatorShare * 1e6) / perSecond)
  return { server, database, generator, all: server + database + generator }
}
