import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { bothDatabases, testPostgres } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { PostgresProxy } from '../test-kit/postgres-proxy.ts'
import type { Database, StreamName, WriteSet } from './database.ts'
import { openDatabase } from './open.ts'

/** Streams: positions in commit order, and what readers may rely on. */

const appendItem = async (database: Database) => {
  const create = database.prepare(
    'CREATE TABLE IF NOT EXISTS item (at bigint PRIMARY KEY, stream bigint NOT NULL)',
  )
  await database.commit({ statements: [{ prepared: create, rows: [[]] }] })
  const insert = database.prepare('INSERT INTO item (at, stream) VALUES (?, ?)')
  const refuse = database.prepare('UPDATE item SET at = 0 WHERE at = -1')
  return (count: number, { refused = false } = {}): WriteSet => ({
    statements: [
      {
        prepared: insert,
        rows: Array.from({ length: count }, (_, offset) => [{ stream: 'events', offset }, 1]),
      },
      ...(refused ? [{ prepared: refuse, rows: [[]], guard: { name: 'refused', expected: 1 } }] : []),
    ],
  })
}

bothDatabases(
  test,
  'a set is given the next positions of each stream it names',
  async (t, database, config) => {
    const moves: ReadonlyMap<StreamName, number>[] = []
    const stop = database.onCommit(moved => moves.push(moved))
    const append = await appendItem(database)
    const backfill = database.prepare('INSERT INTO item (at, stream) VALUES (?, 2)')
    const both: WriteSet = {
      statements: [
        ...append(3).statements,
        { prepared: backfill, rows: [[{ stream: 'backfill', offset: 1 }]] },
      ],
    }
    t.like(await database.commit(append(1)), { ok: true, positions: { events: 1 } })
    t.like(await database.commit(both), { ok: true, positions: { events: 2, backfill: 1 } })
    t.is(database.position('events'), 4)
    t.is(database.position('backfill'), 2)
    t.is(database.position('profiles'), 0)
    t.deepEqual(
      moves.map(moved => Object.fromEntries(moved)),
      [{ events: 1 }, { events: 4, backfill: 2 }],
    )
    const rows = await database.all<{ at: number }>(database.prepare('SELECT at FROM item ORDER BY at'))
    t.deepEqual(
      rows.map(({ at }) => at),
      [-2, 1, 2, 3, 4],
    )

    stop()
    t.like(await database.commit(append(1, { refused: true })), { ok: false })
    t.is(database.position('events'), 4, 'a set that is not stored moves nothing')
    await database.commit(append(1))
    t.is(moves.length, 2)

    const second = await openDatabase(config)
    t.teardown(() => second.close())
    t.is(second.position('events'), 5, 'positions outlive the process')
  },
)

/**
 * Several writers, some refused in between, through two connections of what might as well be two processes. What a
 * reader sees at or below its position when it looks is all there ever will be.
 */
bothDatabases(test, 'no row appears late below a position that was readable', async (t, database, config) => {
  const second = await openDatabase(config)
  t.teardown(() => second.close())
  const append = await appendItem(database)
  const looks: { position: number; count: number }[] = []
  let writing = true
  const look = async (reader: Database) => {
    const count = reader.prepare('SELECT count(*) AS n FROM item WHERE at <= ?')
    while (writing) {
      const position = reader.position('events')
      const found = await reader.get<{ n: number }>(count, [position])
      looks.push({ position, count: found?.n ?? 0 })
      await turn()
    }
  }
  const write = async (writer: Database, seed: number) => {
    for (let n = 0; n < 40; n++) {
      await writer.commit(append(1 + ((n + seed) % 3), { refused: (n * seed) % 7 === 1 }))
      if ((n + seed) % 5 === 0) await turn()
    }
  }
  const looking = [look(database), look(second)]
  await Promise.all([1, 2, 3, 4, 5, 6].map(seed => write(seed % 2 === 0 ? database : second, seed)))
  writing = false
  await Promise.all(looking)

  const stored = await database.all<{ at: number }>(database.prepare('SELECT at FROM item'))
  t.true(new Set(looks.map(({ position }) => position)).size > 10, 'the readers looked while it was written')
  for (const { position, count } of looks) {
    t.is(stored.filter(({ at }) => at <= position).length, count, `at position ${position}`)
  }
})

bothDatabases(test, 'who writes knows that it is stored before anybody who follows', async (t, database) => {
  const append = await appendItem(database)
  const told: string[] = []
  const stop = database.onCommit(() => told.push('followers'))
  const writing = (name: string, refused = false) =>
    database.commit({
      ...append(1, { refused }),
      onStored: ({ positions: { events } }) =>
        told.push(`${name} at ${events}, others at ${database.position('events')}`),
    })
  await Promise.all([writing('one'), writing('none', true), writing('two')])
  stop()
  t.is(told[0], 'one at 1, others at 0')
  // Positions of sets that failed may stay unused.
  t.regex(told[1] ?? '', /^two at [23], others at 0$/)
  t.deepEqual(told.slice(2), ['followers'])
})

testPostgres(
  test,
  'also where the database tells everybody before it answers who has written',
  async (t, direct, { url }) => {
    const proxy = await PostgresProxy.start(t, url)
    const database = await openDatabase({ kind: 'postgres', url: proxy.url })
    t.teardown(() => database.close())
    const append = await appendItem(database)
    const told: string[] = []
    const stop = database.onCommit(() => told.push('followers'))
    let isHeard = false
    const heard = Promise.withResolvers<void>()
    proxy.holdAt = (text, from) => {
      if (from === 'client') return undefined
      if (text.includes('tessera_positions')) {
        isHeard = true
        heard.resolve()
      }
      if (!text.includes('COMMIT')) return undefined
      return heard.promise.then(async () => {
        // Time enough for what was heard to be taken over, if it did not wait.
        for (let turns = 0; turns < 50 && told.length === 0; turns++) await turn()
      })
    }
    await database.commit({ ...append(1), onStored: () => told.push('writer') })
    stop()
    t.true(isHeard)
    t.deepEqual(told, ['writer', 'followers'])
    proxy.holdAt = () => undefined
    // And what others write is heard as before.
    await direct.commit(append(1))
    await eventually('it is heard', () => database.position('events') === 2)
  },
)
