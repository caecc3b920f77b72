/**
 * Loads a running Matrix homeserver through standard endpoints only, and the bare echo beside it in turns; prints
 * a Markdown table of both and their ratio. Figures of one run compare; those of different machines do not.
 * `npm run bench -- --help` lists the options.
 */
import { writeFile } from 'node:fs/promises'
import { readArguments, usage } from './arguments.ts'
import { machine, markdown, report } from './report.ts'
import type { Bench, Row, Scenario } from './scenario.ts'
import { history } from './scenarios/history.ts'
import { hotRoom } from './scenarios/hot-room.ts'
import { incrementalSync } from './scenarios/incremental-sync.ts'
import { initialSync } from './scenarios/initial-sync.ts'
import { largeJoin } from './scenarios/large-join.ts'
import { manyRooms } from './scenarios/many-rooms.ts'
import { memory, settledMemory } from './scenarios/memory.ts'
import { sendToSync } from './scenarios/send-to-sync.ts'
import { twoWorkers } from './scenarios/two-workers.ts'
import { waking } from './scenarios/waking.ts'
import { startEcho } from './spawn.ts'
import { findSubject } from './subject.ts'
import { Target } from './target.ts'

/** In the order in which they run: memory before anything has filled caches, rates before what depends on them. */
const scenarios: readonly Scenario[] = [
  memory,
  waking,
  hotRoom,
  manyRooms,
  sendToSync,
  initialSync,
  incrementalSync,
  history,
  largeJoin,
  twoWorkers,
]

/** Seconds for which memory must hold still. */
const settle = 2

async function main(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv)
  if (given.help) return void process.stdout.write(usage)
  const chosen = choose(
    given.scenarios,
    given.synapse ? 'synapse' : given.url === undefined ? 'tessera' : 'another',
  )
  const where = machine()
  const subject = await findSubject(given)
  const yardstick = await startEcho()
  const stop = () => Promise.all([yardstick.stop(), subject.stop()])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop().finally(() => process.exit(130)))
  }
  try {
    const server = new Target(subject)
    const echo = new Target({
      ...yardstick,
      name: 'echo',
      pids: [yardstick.pid],
      registration: { kind: 'open' },
    })
    const bench: Bench = {
      ...given.settings,
      kind: { synapse: given.synapse, database: given.database },
      settle,
      server,
      echo,
      memoryAtStart: {
        server: subject.fresh ? await settledMemory(server, settle) : undefined,
        echo: await settledMemory(echo, settle),
      },
      measuredSendRate: undefined,
      notes: [],
      progress: text => process.stderr.write(`${text}\n`),
    }
    const rows: Row[] = []
    for (const scenario of chosen) rows.push(...(await scenario.run(bench)))
    const result = report(server.name, where, given.settings, rows, bench.notes)
    process.stdout.write(markdown(result))
    if (given.json !== undefined) await writeFile(given.json, `${JSON.stringify(result, null, 2)}\n`)
  } finally {
    await stop()
  }
}

/** @param kind what is measured: a server that is started from here, or one that was there */
function choose(
  names: readonly string[] | undefined,
  kind: 'tessera' | 'synapse' | 'another',
): readonly Scenario[] {
  const unknown = names?.find(name => !scenarios.some(scenario => scenario.name === name))
  if (unknown !== undefined) {
    throw new Error(`no scenario ${unknown}; there are ${scenarios.map(one => one.name).join(', ')}`)
  }
  const possible = scenarios.filter(
    ({ startsItsOwn }) => startsItsOwn === undefined || (kind !== 'another' && startsItsOwn.includes(kind)),
  )
  const refused = names?.find(name => !possible.some(scenario => scenario.name === name))
  if (refused !== undefined)
    throw new Error(`${refused} starts servers of its own and says nothing of this one`)
  return possible.filter(scenario => names?.includes(scenario.name) ?? true)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
