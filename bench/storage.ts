import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres } from '../scripts/postgres.ts'
import type { Database, WriteSet } from '../src/storage/database.ts'
import { type DatabaseConfig, openDatabase } from '../src/storage/open.ts'

/**
 * What durable writes cost: per second one after the other and grouped, and how long the event loop is held up by reads
 * and writes at half the peak rate. `node bench/storage.ts [seconds]`; commits reach the disk in all cases.
 */
const SECONDS = Number(process.argv[2] ?? 3)
const CALLERS = 256
const TICK_MS = 5
const BODY = JSON.stringify({ content: { body: 'x'.repeat(500), msgtype: 'm.text' }, type: 'm.room.message' })

interface Load {
  write(): Promise<unknown>
  read(): Promise<unknown>
}

/** About what sending an event does: three statements, one of them guarded. */
const sendLoad = async (database: Database): Promise<Load> => {
  const statement = (sql: string, rows: WriteSet['statements'][number]['rows'] = [[]]) => ({
    prepared: database.prepare(sql),
    rows,
  })
  await database.commit({
    statements: [
      statement('CREATE TABLE bench_event (nid bigint PRIMARY KEY, at bigint, room bigint, body text)'),
      statement('CREATE UNIQUE INDEX bench_event_at ON bench_event (room, at)'),
      statement('CREATE TABLE bench_edge (event bigint, previous bigint, PRIMARY KEY (event, previous))'),
      statement('CREATE TABLE bench_head (room bigint PRIMARY KEY, version bigint)'),
      statement(
        'INSERT INTO bench_head VALUES (?, 0)',
        Array.from({ length: 100 }, (_, room) => [room]),
      ),
    ],
  })
  const event = database.prepare('INSERT INTO bench_event VALUES (?, ?, ?, ?)')
  const edge = database.prepare('INSERT INTO bench_edge VALUES (?, ?)')
  const head = database.prepare('UPDATE bench_head SET version = version + 1 WHERE room = ?')
  const select = database.prepare('SELECT body FROM bench_event WHERE nid = ?')
  let nid = 0
  return {
    write: () => {
      nid += 1
      const room = nid % 100
      return database.commit({
        statements: [
          { prepared: event, rows: [[nid, { stream: 'events', offset: 0 }, room, BODY]] },
          { prepared: edge, rows: [[nid, nid - 1]] },
          { prepared: head, rows: [[room]], guard: { name: 'head', expected: 1 } },
        ],
      })
    },
    read: () => database.get(select, [Math.ceil(Math.random() * nid)]),
  }
}

/** Writes per second with so many callers, each of which waits for its commit. */
const rateOf = async ({ write }: Load, callers: number): Promise<number> => {
  let done = 0
  const start = performance.now()
  const end = start + SECONDS * 1000
  const call = async () => {
    while (performance.now() < end) {
      await write()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return (done * 1000) / (performance.now() - start)
}

/** The delay of the event loop, in milliseconds, at a steady rate of writes with two reads each. */
const delayAt = async (rate: number, load: Load | undefined): Promise<{ median: number; p99: number }> => {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  const under: Promise<unknown>[] = []
  const start = performance.now()
  let sent = 0
  histogram.enable()
  for (let now = start; now < start + SECONDS * 1000; now = performance.now()) {
    for (; sent < ((now - start) * rate) / 1000; sent++) {
      if (load !== undefined) under.push(load.write(), load.read(), load.read())
    }
    await sleep(TICK_MS)
  }
  histogram.disable()
  await Promise.all(under)
  return { median: histogram.percentile(50) / 1e6, p99: histogram.percentile(99) / 1e6 }
}

const measure = async (name: string, config: DatabaseConfig): Promise<string> => {
  const database = await openDatabase(config)
  const load = await sendLoad(database)
  const alone = await rateOf(load, 1)
  const grouped = await rateOf(load, CALLERS)
  const { median, p99 } = await delayAt(grouped / 2, load)
  await database.close()
  return row(name, [alone, grouped, grouped / 2], [median, p99])
}

const row = (name: string, rates: readonly number[], delays: readonly number[]): string =>
  `| ${[name, ...rates.map(rate => rate.toFixed(0)), ...delays.map(delay => delay.toFixed(1))].join(' | ')} |`

const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
const server = await startPostgres({ fsync: true })
try {
  console.log(
    `| database | writes/s, 1 caller | writes/s, ${CALLERS} callers | then at | loop delay p50, ms | p99, ms |`,
  )
  console.log('|---|---|---|---|---|---|')
  const idle = await delayAt(0, undefined)
  console.log(row('none', [0, 0, 0], [idle.median, idle.p99]))
  console.log(await measure('SQLite', { kind: 'sqlite', path: join(directory, 'bench.db') }))
  if (server === undefined) console.log('PostgreSQL is not installed')
  else console.log(await measure('PostgreSQL', { kind: 'postgres', url: server.url }))
} finally {
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
}
