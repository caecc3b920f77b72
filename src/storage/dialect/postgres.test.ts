import test, { type ExecutionContext } from 'ava'
import { testPostgres } from '../../test-kit/database.ts'
import { PostgresProxy } from '../../test-kit/postgres-proxy.ts'
import { type Database, DatabaseUnavailable, type StreamName } from '../database.ts'
import { openDatabase } from '../open.ts'
import { SELECT_EVENTS } from '../rooms/stored-event.ts'

/** What only a server can go through: lost connections, other processes, outages. */

const open = async (t: ExecutionContext, url: string, patience?: number): Promise<Database> => {
  const database = await openDatabase({ kind: 'postgres', url }, patience === undefined ? {} : { patience })
  t.teardown(() => database.close())
  return database
}

/** Commits a named row at the next position; a second row of that name is a violation. */
const append = (database: Database, name: string) => {
  const insert = database.prepare('INSERT INTO nid_sequences (name, next) VALUES (?, ?)')
  return database.commit({
    statements: [{ prepared: insert, rows: [[name, { stream: 'events', offset: 0 }]] }],
  })
}

const names = async (database: Database): Promise<string[]> => {
  const rows = await database.all<{ name: string }>(
    database.prepare('SELECT name FROM nid_sequences ORDER BY name'),
  )
  return rows.map(({ name }) => name)
}

/** Resolves with the stream's position once it has reached `position`. */
const reached = (database: Database, stream: StreamName, position: number): Promise<void> =>
  new Promise(resolve => {
    const check = () => {
      if (database.position(stream) < position) return
      stop()
      resolve()
    }
    const stop = database.onCommit(check)
    check()
  })

testPostgres(test, 'reads and writes survive the loss of idle connections', async (t, database, config) => {
  const proxy = await PostgresProxy.start(t, config.url)
  const proxied = await open(t, proxy.url)
  for (const name of ['a', 'b', 'c']) {
    t.like(await append(proxied, name), { ok: true })
    t.is((await names(proxied)).at(-1), name)
    proxy.cut()
  }
  t.deepEqual(await names(database), ['a', 'b', 'c'])
})

testPostgres(test, 'reads under way when the connection is lost are made again', async (t, _, config) => {
  const proxy = await PostgresProxy.start(t, config.url)
  const proxied = await open(t, proxy.url)
  await append(proxied, 'a')
  let cuts = 0
  proxy.cutAt = (text, from) => from === 'client' && text.includes('slow') && cuts++ < 2
  const select = proxied.prepare('SELECT name AS slow FROM nid_sequences')
  t.deepEqual(await Promise.all([proxied.all(select), proxied.get(select), proxied.scan(select)]), [
    [{ slow: 'a' }],
    { slow: 'a' },
    [{ slow: 'a' }],
  ])
})

for (const [side, what] of [
  ['client', 'never arrives'],
  ['server', 'is never answered'],
] as const) {
  testPostgres(test, `a group whose commit ${what} is stored once`, async (t, database, config) => {
    const proxy = await PostgresProxy.start(t, config.url)
    const proxied = await open(t, proxy.url)
    let commits = 0
    proxy.cutAt = (text, from) => from === side && text.includes('COMMIT\0') && commits++ === 0
    const results = await Promise.all(['a', 'b', 'c'].map(name => append(proxied, name)))
    t.true(results.every(({ ok }) => ok))
    t.deepEqual(await names(database), ['a', 'b', 'c'])
    const [{ next }] = (await database.all<{ next: number }>(
      database.prepare("SELECT next FROM nid_sequences WHERE name = 'c'"),
    )) as [{ next: number }]
    t.like(results[2], { positions: { events: next } })
    t.is(commits, side === 'client' ? 2 : 1)
  })
}

/** Milliseconds: enough for any answer of a server that is there, also where the machine has much else to do. */
const SILENCE = 2_000

/** A database by way of a proxy, which has been used, and gives its server up soon when that says nothing. */
const vigilant = async (t: ExecutionContext, url: string) => {
  const proxy = await PostgresProxy.start(t, url)
  const proxied = await openDatabase({ kind: 'postgres', url: proxy.url }, { silence: SILENCE })
  t.teardown(() => proxied.close())
  await append(proxied, 'a')
  t.deepEqual(await names(proxied), ['a'])
  return { proxy, proxied }
}

testPostgres(
  test,
  'reads and writes do not wait for a server that has vanished without a word',
  async (t, database, config) => {
    const { proxy, proxied } = await vigilant(t, config.url)
    await proxied.scan(proxied.prepare('SELECT 1 AS one'))
    // Until it is looked whether the server is there; whatever was sent by then waits for good.
    proxy.holdAt = text => {
      if (text.includes('FROM streams')) proxy.holdAt = () => undefined
      return new Promise(() => undefined)
    }
    const [written, read] = [append(proxied, 'b'), proxied.scan(proxied.prepare('SELECT 1 AS one'))]
    t.like(await written, { ok: true })
    t.deepEqual(await read, [{ one: 1 }])
    t.deepEqual(await names(database), ['a', 'b'])
  },
)

testPostgres(
  test,
  'connections that have vanished while nothing passed on them are not used',
  async (t, database, config) => {
    const { proxy, proxied } = await vigilant(t, config.url)
    proxy.vanish()
    await new Promise<void>(resolve => {
      proxy.holdAt = text => void (text.includes('LISTEN') && resolve())
    })
    t.like(await append(proxied, 'b'), { ok: true })
    t.deepEqual(await names(proxied), ['a', 'b'])
    t.deepEqual(await names(database), ['a', 'b'])
  },
)

testPostgres(
  test,
  'what goes out just before a server is found to have vanished does not wait for it',
  async (t, database, config) => {
    const { proxy, proxied } = await vigilant(t, config.url)
    proxy.vanish()
    await new Promise<void>(resolve => {
      proxy.holdAt = text => void (text.includes('FROM streams') && resolve())
    })
    // A moment, though none so long that it is found by then.
    for (let turn = 0; turn < 10; turn++) await names(database)
    const [written, read] = [append(proxied, 'b'), names(proxied)]
    t.like(await written, { ok: true })
    t.is((await read)[0], 'a')
    t.deepEqual(await names(database), ['a', 'b'])
  },
)

testPostgres(test, 'positions that another process commits are heard of', async (t, database, config) => {
  const other = await open(t, config.url)
  await append(other, 'a')
  await reached(database, 'events', 1)
  await append(database, 'b')
  await reached(other, 'events', 2)
  t.deepEqual(await names(database), ['a', 'b'])
  t.is(database.position('events'), 2)
})

testPostgres(
  test,
  'what was committed while nobody listened is caught up with',
  async (t, database, config) => {
    const proxy = await PostgresProxy.start(t, config.url)
    const proxied = await open(t, proxy.url)
    proxy.cutAt = () => true
    proxy.cut()
    await append(database, 'a')
    t.is(proxied.position('events'), 0)
    proxy.cutAt = () => false
    await reached(proxied, 'events', 1)
    t.pass()
  },
)

testPostgres(
  test,
  'when patience has run out callers are told, until the server is back',
  async (t, _, config) => {
    const proxy = await PostgresProxy.start(t, config.url)
    const proxied = await open(t, proxy.url, 0)
    await append(proxied, 'a')
    proxy.cutAt = () => true
    proxy.cut()
    await t.throwsAsync(append(proxied, 'b'), { instanceOf: DatabaseUnavailable })
    await t.throwsAsync(names(proxied), { instanceOf: DatabaseUnavailable })
    proxy.cutAt = () => false
    t.like(await append(proxied, 'c'), { ok: true })
    t.deepEqual(await names(proxied), ['a', 'c'])
  },
)

testPostgres(
  test,
  'sets that wait for each other in a circle are both stored in the end',
  async (t, _, config) => {
    const url = new URL(config.url)
    url.searchParams.set('options', '-c deadlock_timeout=10ms')
    const [first, second] = [await open(t, url.href), await open(t, url.href)]
    await append(first, 'x')
    await append(first, 'y')
    const update = first.prepare('UPDATE nid_sequences SET next = next + ? WHERE name = ?')
    const pause = first.prepare('SELECT pg_sleep(0.05)')
    const cross = (database: Database, one: string, other: string) =>
      database.commit({
        statements: [
          { prepared: update, rows: [[100, one]] },
          { prepared: pause, rows: [[]] },
          { prepared: update, rows: [[100, other]] },
        ],
      })
    const results = await Promise.all([cross(first, 'x', 'y'), cross(second, 'y', 'x')])
    t.true(results.every(({ ok }) => ok))
    t.deepEqual(await first.all(first.prepare('SELECT next FROM nid_sequences ORDER BY name')), [
      { next: 201 },
      { next: 202 },
    ])
  },
)

testPostgres(
  test,
  'few rows are found by an index, also by a plan that was made while tables were empty',
  async (t, database) => {
    const text = `${SELECT_EVENTS} WHERE ${database.dialect.inInteger('e.event_nid')}`
    const plan = async (way: 'all' | 'scan') => {
      const lines = await database[way]<{ 'QUERY PLAN': string }>(database.prepare(`EXPLAIN ${text}`), [
        database.list(Array.from({ length: 40 }, (_, nid) => nid)),
      ])
      return lines.map(line => line['QUERY PLAN']).join('\n')
    }
    t.regex(
      await plan('scan'),
      /Seq Scan|Hash Join/,
      'a planner that is free takes what is small for small forever',
    )
    t.notRegex(await plan('all'), /Seq Scan|Hash Join|Merge Join/)
  },
)
