import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'
import { PostgresBatches } from './postgres-batches.ts'

const batches = () => {
  let id = 100
  return new PostgresBatches(sql => ({ id: id++, sql }))
}

test('rows of an insert go together, in a few sizes', t => {
  const insert = {
    id: 1,
    sql: 'INSERT INTO t (a, b)\n VALUES ($1, CAST($2 AS bigint)) ON CONFLICT DO NOTHING',
  }
  const rows = Array.from({ length: 21 }, (_, row) => [row, 2 * row])
  const executions = batches().of(insert, rows)
  t.deepEqual(
    executions.map(({ parameters }) => parameters.length / 2),
    [16, 5],
  )
  t.deepEqual(
    executions.flatMap(({ parameters }) => parameters),
    rows.flat(),
  )
  t.true(executions[1]?.prepared.sql.endsWith('($9, CAST($10 AS bigint)) ON CONFLICT DO NOTHING'))
})

test('rows stay alone where one may meet another, or more than values vary', t => {
  const upsert = 'INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b'
  const count = (sql: string, rows: number[][]) => batches().of({ id: 1, sql }, rows).length
  t.is(count(upsert, [[1, 2], [3, 4]]), 1) // biome-ignore format: rows
  t.is(count(upsert, [[1, 2], [1, 4]]), 2) // biome-ignore format: rows
  t.is(count(`${upsert} WHERE t.b = $3`, [[1, 2, 3], [2, 4, 5]]), 2) // biome-ignore format: rows
  const where = (table: string) => `${upsert} WHERE t.b < (SELECT MAX(c) FROM ${table} x)`
  t.is(count(where('s'), [[1, 2], [3, 4]]), 1) // biome-ignore format: rows
  t.is(count(where('t'), [[1, 2], [3, 4]]), 2) // biome-ignore format: rows
  t.is(count(where('s AS x, u'), [[1, 2], [3, 4]]), 2) // biome-ignore format: rows
  t.is(count('INSERT INTO t (a) SELECT a FROM s WHERE a = $1', [[1], [2]]), 2)
  t.is(count('UPDATE t SET a = $1', [[1], [2]]), 2)
})

bothDatabases(
  test,
  'rows that go together are stored, counted and returned as alone',
  async (t, database) => {
    const statement = (sql: string, rows: (string | number)[][]) => ({
      prepared: database.prepare(sql),
      rows,
    })
    await database.commit({
      statements: [statement('CREATE TABLE many (a bigint PRIMARY KEY, b text)', [[]])],
    })
    const rows = Array.from({ length: 300 }, (_, row): [number, string] => [row, `row ${row}`])
    const insert = 'INSERT INTO many (a, b) VALUES (?, ?)'
    const stored = { ...statement(insert, rows), guard: { name: 'all', expected: 300 } }
    t.true((await database.commit({ statements: [stored] })).ok)
    const again = statement(`${insert} ON CONFLICT DO NOTHING`, [
      ...rows.slice(0, 5),
      [1000, 'new'],
      [1000, 'twice'],
    ])
    t.true((await database.commit({ statements: [{ ...again, guard: { name: 'one', expected: 1 } }] })).ok)
    const upsert = `${insert} ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE many.b <> excluded.b RETURNING a`
    const changed = { ...statement(upsert, [[2, 'x'], [3, 'row 3'], [4, 'y']]), returning: 'changed' } // biome-ignore format: rows
    const result = await database.commit({ statements: [changed] })
    t.deepEqual(result.ok && result.returned['changed'], [{ a: 2 }, { a: 4 }])
    await t.throwsAsync(() => database.commit({ statements: [statement(insert, [[2000, 'a'], [2, 'b']])] }), { name: 'ConstraintError' }) // biome-ignore format: rows
    const [left] = await database.all(database.prepare('SELECT COUNT(*) AS n FROM many'))
    t.is(left?.['n'], 301)
  },
)
