import test from 'ava'
import { testDatabase, testPostgres } from '../../test-kit/database.ts'
import { PostgresProxy } from '../../test-kit/postgres-proxy.ts'
import { SeededRandom } from '../../test-kit/seeded-random.ts'
import { ConstraintError, type Database, type SqlParameter, type WriteSet } from '../database.ts'
import { openDatabase } from '../open.ts'

/** Groups of write sets as PostgreSQL executes them: what comes of it, and what passes on the wire. */

const TABLES = [
  'CREATE TABLE one (id bigint PRIMARY KEY, v bigint)',
  'CREATE TABLE two (id bigint PRIMARY KEY, v bigint)',
  'CREATE TABLE log (at bigint PRIMARY KEY, id bigint)',
]

const prepareTables = (database: Database) =>
  database.commit({
    statements: TABLES.map(sql => ({ prepared: database.prepare(sql), rows: [[]] })),
  })

/** A statement of a random set: its text, its rows, and what is asked of it. */
interface Drawn {
  readonly sql: string
  readonly rows: readonly (readonly SqlParameter[])[]
  readonly expected?: number
  readonly returning?: string
}

const drawStatement = (dice: SeededRandom, offset: { log: number }): Drawn => {
  const table = dice.pick(['one', 'two'])
  const other = table === 'one' ? 'two' : 'one'
  const id = (): number => dice.below(12)
  const rows = Array.from({ length: 1 + dice.below(3) }, () => [id(), dice.below(100)])
  const guard = dice.chance(0.5) ? { expected: rows.length } : {}
  const insert = `INSERT INTO ${table} (id, v) VALUES (?, ?)`
  return dice.pick<() => Drawn>([
    () => ({ sql: insert, rows: rows.slice(0, 1) }),
    () => ({ sql: `${insert} ON CONFLICT DO NOTHING`, rows, ...guard }),
    () => ({ sql: `${insert} ON CONFLICT (id) DO UPDATE SET v = excluded.v`, rows, ...guard }),
    () => ({ sql: `${insert} ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING v`, rows, returning: 'set' }),
    () => ({ sql: `${insert} ON CONFLICT (id) DO UPDATE SET v = excluded.v WHERE ${table}.v > (SELECT COUNT(*) FROM ${other} o)`, rows, ...guard }),
    () => ({ sql: `${insert} ON CONFLICT (id) DO UPDATE SET v = (SELECT COUNT(*) FROM ${table} t)`, rows }),
    () => ({ sql: `UPDATE ${table} SET v = v + ? WHERE id = ?`, rows: [[1, id()]], ...(dice.chance(0.3) ? { expected: 1 } : {}) }),
    () => ({ sql: `DELETE FROM ${table} WHERE id = ?`, rows: [[id()], [id()]], ...(dice.chance(0.1) ? { expected: 2 } : {}) }),
    () => ({ sql: `INSERT INTO ${table} (id, v) SELECT id, v FROM ${other} WHERE id = ? ON CONFLICT DO NOTHING`, rows: [[id()]] }),
    () => ({ sql: `UPDATE ${table} SET v = (SELECT COUNT(*) FROM ${other}) WHERE id = ? RETURNING v`, rows: [[id()]], expected: 1, returning: 'counted' }),
    () => ({ sql: 'INSERT INTO log (at, id) VALUES (?, ?)', rows: rows.map(([first = 0]) => [{ stream: 'events', offset: offset.log++ }, first]) }),
  ])() // biome-ignore format: one line each
}

const drawSet = (dice: SeededRandom): Drawn[] => {
  const offset = { log: 0 }
  return Array.from({ length: 1 + dice.below(4) }, () => drawStatement(dice, offset))
}

const setOf = (database: Database, drawn: readonly Drawn[]): WriteSet => ({
  statements: drawn.map(({ sql, rows, expected, returning }, index) => ({
    prepared: database.prepare(sql),
    rows,
    ...(expected === undefined ? {} : { guard: { name: `guard ${index}`, expected } }),
    ...(returning === undefined ? {} : { returning: `${returning} ${index}` }),
  })),
})

/** What a set came to, but for its positions, which depend on those that failed before it. */
const outcomeOf = async (database: Database, set: WriteSet): Promise<unknown> => {
  try {
    const result = await database.commit(set)
    return result.ok ? result.returned : result.guard
  } catch (error) {
    return error instanceof ConstraintError ? 'violation' : error
  }
}

const contents = async (database: Database): Promise<unknown[]> =>
  Promise.all(
    ['one ORDER BY id', 'two ORDER BY id'].map(table =>
      database.all(database.prepare(`SELECT id, v FROM ${table}`)),
    ),
  )

testPostgres(test, 'a group comes to the same as its sets one after the other', async (t, database) => {
  const alone = await testDatabase(t)
  for (const one of [database, alone]) await prepareTables(one)
  const dice = new SeededRandom(7)
  const seen = { ok: 0, refused: 0, violation: 0 }
  for (let round = 0; round < 80; round++) {
    const group = Array.from({ length: 1 + dice.below(12) }, () => drawSet(dice))
    const together = await Promise.all(group.map(drawn => outcomeOf(database, setOf(database, drawn))))
    const apart: unknown[] = []
    for (const drawn of group) apart.push(await outcomeOf(alone, setOf(alone, drawn)))
    t.deepEqual(together, apart, `round ${round}`)
    for (const outcome of together)
      seen[outcome === 'violation' ? outcome : typeof outcome === 'string' ? 'refused' : 'ok'] += 1
    t.deepEqual(await contents(database), await contents(alone), `round ${round}`)
    if (round % 10 === 0) {
      const clear = [{ sql: 'DELETE FROM one', rows: [[]] }, { sql: 'DELETE FROM two', rows: [[]] }] // biome-ignore format: both
      for (const one of [database, alone]) await one.commit(setOf(one, clear))
    }
  }
  const logs = await Promise.all(
    [database, alone].map(one => one.all<{ id: number }>(one.prepare('SELECT id FROM log ORDER BY at'))),
  )
  t.deepEqual(logs[0], logs[1], 'positions are in the order of the sets')
  t.true(Math.min(...Object.values(seen)) > 50, JSON.stringify(seen))
})

testPostgres(
  test,
  'an insert that looks into another table sees what sets before it have put there',
  async (t, database) => {
    await prepareTables(database)
    const add = (table: string, id: number, v: number): WriteSet => ({
      statements: [
        { prepared: database.prepare(`INSERT INTO ${table} (id, v) VALUES (?, ?)`), rows: [[id, v]] },
      ],
    })
    for (const id of [1, 2]) await database.commit(add('one', id, id - 1))
    const update = database.prepare(
      `INSERT INTO one (id, v) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET v = excluded.v
     WHERE one.v = (SELECT COUNT(*) FROM two)`,
    )
    const setIfAsMany = (id: number, v: number): WriteSet => ({
      statements: [{ prepared: update, rows: [[id, v]] }],
    })
    const group = [setIfAsMany(1, 50), add('two', 9, 9), setIfAsMany(2, 60)]
    await Promise.all(group.map(set => database.commit(set)))
    t.deepEqual(await database.all(database.prepare('SELECT id, v FROM one ORDER BY id')), [
      { id: 1, v: 50 },
      { id: 2, v: 60 },
    ])
  },
)

testPostgres(test, 'a group is one round on the wire, its commit included', async (t, database, config) => {
  await prepareTables(database)
  const proxy = await PostgresProxy.start(t, config.url)
  const proxied = await openDatabase({ kind: 'postgres', url: proxy.url })
  t.teardown(() => proxied.close())
  const log = proxied.prepare('INSERT INTO log (at, id) VALUES (?, ?)')
  const move = proxied.prepare('UPDATE one SET v = ? WHERE id = ? AND v = ?')
  const add = proxied.prepare('INSERT INTO one (id, v) VALUES (?, 0)')
  const send = (id: number, version: number): WriteSet => ({
    statements: [
      { prepared: log, rows: [[{ stream: 'events', offset: 0 }, id]] },
      { prepared: move, rows: [[version + 1, id, version]], guard: { name: 'head', expected: 1 } },
    ],
  })
  await Promise.all([1, 2, 3].map(id => proxied.commit({ statements: [{ prepared: add, rows: [[id]] }] })))
  let rounds = 0
  let before: string | undefined
  proxy.cutAt = (_, from) => {
    if (from === 'client' && before !== 'client') rounds += 1
    before = from
    return false
  }
  const results = await Promise.all([send(1, 0), send(2, 0), send(3, 0)].map(set => proxied.commit(set)))
  t.deepEqual(
    results.map(result => result.ok && result.positions.events),
    [1, 2, 3],
  )
  t.is(rounds, 1)
  const [, refused, third] = await Promise.all(
    [send(1, 1), send(2, 0), send(3, 1)].map(set => proxied.commit(set)),
  )
  t.deepEqual(refused, { ok: false, guard: 'head' })
  t.like(third, { ok: true, positions: { events: 6 } })
  t.is(rounds, 3, 'another for what is sent again without the one that failed')
})
