/** Every database keeps the promises of `database.ts`. */
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { bothDatabases } from '../test-kit/database.ts'
import {
  type CommitResult,
  ConstraintError,
  type Database,
  DatabaseUnavailable,
  type SqlParameter,
  type WriteStatement,
} from './database.ts'
import { openDatabase } from './open.ts'

/** Two tables for the tests, and the statements on them. */
const scratch = async (database: Database) => {
  const bytes = database.dialect.name === 'sqlite' ? 'blob' : 'bytea'
  const text = database.dialect.name === 'sqlite' ? 'text' : 'text COLLATE "C"'
  const tables = [
    'CREATE TABLE owner (id bigint PRIMARY KEY)',
    `CREATE TABLE item (id bigint PRIMARY KEY, owner bigint REFERENCES owner (id), at bigint, body ${text}, bytes ${bytes})`,
  ]
  await database.commit({ statements: tables.map(sql => ({ prepared: database.prepare(sql), rows: [[]] })) })
  const insertItem = database.prepare('INSERT INTO item (id, body) VALUES (?, ?)')
  const updateItem = database.prepare('UPDATE item SET body = ? WHERE id = ?')
  const allItems = database.prepare('SELECT id, body FROM item ORDER BY id')
  return {
    insert: (...rows: SqlParameter[][]): WriteStatement => ({ prepared: insertItem, rows }),
    update: (body: string, id: number, expected?: number): WriteStatement => ({
      prepared: updateItem,
      rows: [[body, id]],
      ...(expected === undefined ? {} : { guard: { name: `item ${id} is there`, expected } }),
    }),
    items: () => database.all<{ id: number; body: string }>(allItems),
  }
}

const EVERY_KIND = [
  [1, 'ü😀', new Uint8Array([0, 255, 92])],
  [Number.MAX_SAFE_INTEGER, '', new Uint8Array()],
  [-Number.MAX_SAFE_INTEGER, 'a\0b\u{10FFFE}0\u{10FFFE}', null],
  [0, '"\\{},NULL\'', new Uint8Array(300).fill(7)],
] as const

bothDatabases(
  test,
  'sets that come while others are being committed take nothing of each other back',
  async (t, database) => {
    const { insert, items } = await scratch(database)
    await database.commit({ statements: [insert([0, 'there'])] })
    const commits: Promise<unknown>[] = []
    for (let id = 1; id <= 40; id++) {
      // Every seventh is refused, at another place of its group.
      const rows = id % 7 === 0 ? insert([id, 'gone'], [0, 'twice']) : insert([id, `${id}`])
      commits.push(database.commit({ statements: [rows] }))
      await setImmediate()
    }
    const outcomes = await Promise.allSettled(commits)
    const refused = outcomes.flatMap(({ status }, index) => (status === 'rejected' ? index + 1 : []))
    t.deepEqual(refused, [7, 14, 21, 28, 35])
    const kept = Array.from({ length: 40 }, (_, index) => index + 1).filter(id => id % 7 !== 0)
    t.deepEqual(
      (await items()).map(({ id }) => id),
      [0, ...kept],
    )
  },
)

bothDatabases(
  test,
  'values come back as they were given, from reads, scans and RETURNING',
  async (t, database) => {
    await scratch(database)
    const insert = database.prepare(
      'INSERT INTO item (id, body, bytes) VALUES (?, ?, ?) RETURNING id, body, bytes',
    )
    const result = await database.commit({
      statements: [{ prepared: insert, rows: EVERY_KIND, returning: 'inserted' }],
    })
    const expected = EVERY_KIND.map(([id, body, bytes]) => ({ id, body, bytes }))
    t.deepEqual(result, { ok: true, positions: {}, returned: { inserted: expected } })
    const select = database.prepare('SELECT id, body, bytes FROM item ORDER BY length(bytes), id')
    const sorted = await database.all(select)
    t.is(sorted.length, 4)
    for (const row of expected)
      t.deepEqual(
        sorted.find(({ id }) => id === row.id),
        row,
      )
    t.deepEqual(await database.scan(select), sorted)
    const one = database.prepare(
      'SELECT count(*) AS n, 1.5 AS x, coalesce(max(owner), 3) AS m, 2 > 1 AS b FROM item',
    )
    t.deepEqual(await database.get(one), { n: 4, x: 1.5, m: 3, b: 1 })
    t.is(await database.get(database.prepare('SELECT id FROM item WHERE body = ?'), ['absent']), undefined)
    t.deepEqual(
      await database.get(database.prepare('SELECT id FROM item WHERE body = ?'), [EVERY_KIND[2][1]]),
      {
        id: -Number.MAX_SAFE_INTEGER,
      },
    )
  },
)

bothDatabases(test, 'a failed guard takes back its own set and nothing else', async (t, database) => {
  const { insert, update, items } = await scratch(database)
  const results = await Promise.all([
    database.commit({ statements: [insert([1, 'one'])] }),
    database.commit({ statements: [insert([2, 'two']), update('none', 9, 1), insert([2, 'again'])] }),
    database.commit({ statements: [update('changed', 1, 1), insert([3, 'three'])] }),
    database.commit({ statements: [insert([4, 'four']), update('none', 2, 1)] }),
    database.commit({ statements: [update('changed again', 1, 1)] }),
  ])
  t.deepEqual(
    results.map(result => (result.ok ? 'stored' : result.guard)),
    ['stored', 'item 9 is there', 'stored', 'item 2 is there', 'stored'],
  )
  t.deepEqual(await items(), [
    { id: 1, body: 'changed again' },
    { id: 3, body: 'three' },
  ])
})

bothDatabases(test, 'a refused statement takes back its own set and nothing else', async (t, database) => {
  const { insert, items } = await scratch(database)
  const orphan = database.prepare('INSERT INTO item (id, owner) VALUES (?, ?)')
  const nonsense = database.prepare('INSERT INTO nowhere VALUES (?)')
  const results = await Promise.allSettled([
    database.commit({ statements: [insert([1, 'one'])] }),
    database.commit({ statements: [insert([2, 'two']), insert([1, 'a duplicate'])] }),
    database.commit({ statements: [{ prepared: orphan, rows: [[5, 404]] }] }),
    database.commit({ statements: [insert([3, 'three'])] }),
    database.commit({ statements: [insert([4, 'four']), { prepared: nonsense, rows: [[1]] }] }),
    database.commit({ statements: [insert([6, 'six'])] }),
  ])
  t.deepEqual(
    results.map(result => (result.status === 'fulfilled' ? 'stored' : result.reason.name)),
    ['stored', 'ConstraintError', 'ConstraintError', 'stored', 'Error', 'stored'],
  )
  const [, duplicate] = results
  t.true(duplicate?.status === 'rejected' && duplicate.reason instanceof ConstraintError)
  t.regex(duplicate?.status === 'rejected' ? duplicate.reason.constraint : '', /item/)
  t.deepEqual(
    (await items()).map(({ id }) => id),
    [1, 3, 6],
  )
})

bothDatabases(test, 'many failures among many sets are each found', async (t, database) => {
  const { insert, update, items } = await scratch(database)
  const failing = new Set([0, 1, 2, 40, 41, 80, 159])
  const results = await Promise.all(
    Array.from({ length: 160 }, (_, id) =>
      database.commit({ statements: [insert([id, '']), ...(failing.has(id) ? [update('', 1000, 1)] : [])] }),
    ),
  )
  t.deepEqual(new Set(results.flatMap((result, id) => (result.ok ? [] : [id]))), failing)
  t.is((await items()).length, 160 - failing.size)
})

bothDatabases(test, 'bulk rows count together for the guard, and answer together', async (t, database) => {
  await scratch(database)
  const insert = database.prepare('INSERT INTO item (id) VALUES (?) ON CONFLICT DO NOTHING RETURNING id')
  const rows = Array.from({ length: 500 }, (_, id) => [id])
  const commit = (expected: number) =>
    database.commit({
      statements: [{ prepared: insert, rows, guard: { name: 'all', expected }, returning: 'ids' }],
    })
  t.deepEqual(await commit(499), { ok: false, guard: 'all' })
  const stored = await commit(500)
  t.is(stored.ok && stored.returned['ids']?.length, 500)
  t.like(await commit(0), { ok: true, returned: { ids: [] } })
})

bothDatabases(test, 'lists of any length hold any text', async (t, database) => {
  const { insert } = await scratch(database)
  const texts = ['', 'plain', '"', "'", '\\', '{a,b}', 'NULL', 'ü😀', 'a\0b', '[1]', ' ']
  await database.commit({ statements: [insert(...texts.map((text, id) => [id, text]))] })
  const byText = database.prepare(`SELECT id FROM item WHERE ${database.dialect.inText('body')} ORDER BY id`)
  const byId = database.prepare(`SELECT id FROM item WHERE ${database.dialect.inInteger('id')} ORDER BY id`)
  const ids = (rows: { id: number }[]) => rows.map(({ id }) => id)
  t.deepEqual(ids(await database.all(byText, [database.list(texts)])), [...texts.keys()])
  t.deepEqual(ids(await database.scan(byText, [database.list(['a\0b', 'absent'])])), [8])
  t.deepEqual(await database.all(byText, [database.list([])]), [])
  t.deepEqual(
    ids(await database.all(byId, [database.list(Array.from({ length: 5000 }, (_, id) => id + 3))])),
    [3, 4, 5, 6, 7, 8, 9, 10],
  )
  const remove = database.prepare(`DELETE FROM item WHERE ${database.dialect.inInteger('id')}`)
  const removal = {
    prepared: remove,
    rows: [[database.list([1, 2, 99])]],
    guard: { name: 'two', expected: 2 },
  }
  t.like(await database.commit({ statements: [removal] }), { ok: true })
})

bothDatabases(test, 'text is ordered byte by byte', async (t, database) => {
  const { insert } = await scratch(database)
  const texts = ['Z', '_', 'a', 'b', 'ä', 'Ａ', '😀']
  await database.commit({ statements: [insert(...texts.toReversed().map((text, id) => [id, text]))] })
  const rows = await database.all<{ body: string }>(database.prepare('SELECT body FROM item ORDER BY body'))
  t.deepEqual(
    rows.map(({ body }) => body),
    texts,
  )
})

bothDatabases(test, 'a query that knex builds is executed', async (t, database) => {
  const { insert } = await scratch(database)
  await database.commit({ statements: [insert([1, 'a'], [2, 'b'], [3, 'c'])] })
  const { prepared, parameters } = database.compile(knex =>
    knex('item').select('id').whereIn('body', ['b', 'c']).andWhere('id', '>', 2),
  )
  t.deepEqual(await database.all(prepared, parameters), [{ id: 3 }])
  const change = database.compile(knex => knex('item').where({ id: 1 }).update({ body: 'z' }))
  t.like(await database.commit({ statements: [{ prepared: change.prepared, rows: [change.parameters] }] }), {
    ok: true,
  })
  t.like(await database.get(database.prepare('SELECT body FROM item WHERE id = 1')), { body: 'z' })
})

bothDatabases(test, "one caller's sets commit in the order of the calls", async (t, database) => {
  const { insert, items } = await scratch(database)
  const step = database.prepare('UPDATE item SET body = ? WHERE id = 1 AND body = ?')
  const results: Promise<CommitResult>[] = [database.commit({ statements: [insert([1, '0'])] })]
  for (let n = 0; n < 300; n++) {
    const rows = [[String(n + 1), String(n)]]
    results.push(
      database.commit({ statements: [{ prepared: step, rows, guard: { name: String(n), expected: 1 } }] }),
    )
  }
  t.true((await Promise.all(results)).every(({ ok }) => ok))
  t.deepEqual(await items(), [{ id: 1, body: '300' }])
})

bothDatabases(test, 'closing stores what was taken, and then nothing more', async (t, database, config) => {
  const { insert } = await scratch(database)
  const taken = Array.from({ length: 200 }, (_, id) => database.commit({ statements: [insert([id, ''])] }))
  const closed = database.close()
  await t.throwsAsync(database.commit({ statements: [insert([999, ''])] }), {
    instanceOf: DatabaseUnavailable,
  })
  await closed
  t.true((await Promise.all(taken)).every(({ ok }) => ok))
  await t.notThrowsAsync(database.close(), 'closing twice is closing once')
  const again = await openDatabase(config)
  t.teardown(() => again.close())
  t.deepEqual(await again.get(again.prepare('SELECT count(*) AS n FROM item')), { n: 200 })
})
