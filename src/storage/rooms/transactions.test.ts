import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { migrations } from '../../../migrations/index.ts'
import { bothDatabases, testDatabase } from '../../test-kit/database.ts'
import { DeviceWriter } from '../accounts/devices.ts'
import type { Prepared } from '../database.ts'
import { loadKnex } from '../knex.ts'
import { migrate } from '../migrate.ts'
import { openDatabase } from '../open.ts'
import { DELAYED_SCOPE, TransactionReader, TransactionWriter } from './transactions.ts'

bothDatabases(
  test,
  'transactions: known once, told to their device alone, forgotten when old',
  async (t, db) => {
    const read = new TransactionReader(db)
    const write = new TransactionWriter(db)
    const key = { userId: '@a:x', deviceId: 'PHONE', scope: 'send !r:x m.room.message', txnId: '1' }
    const delayed = { userId: '@a:x', deviceId: '', scope: DELAYED_SCOPE, txnId: 'delay' }
    const once = { statements: [write.remember(key, { id: '$1', nid: 1 }, 1_000)] }
    t.true((await db.commit(once)).ok)
    t.deepEqual(await db.commit(once), { ok: false, guard: 'transaction' })
    await db.commit({
      statements: [
        write.remember(delayed, { id: '$2', nid: 2 }, 3_000),
        write.remember({ ...key, txnId: '2' }, { id: '' }, 3_000),
      ],
    })
    t.is(await read.eventOf(key), '$1')
    t.is(await read.eventOf({ ...key, txnId: '2' }), '')
    const origins = (deviceId: string) => read.ofEvents('@a:x', deviceId, [1, 2, 3])
    t.deepEqual([...(await origins('PHONE'))].sort(), [
      ['$1', { txnId: '1' }],
      ['$2', { delayId: 'delay' }],
    ])
    t.deepEqual([...(await origins('LAPTOP'))], [['$2', { delayId: 'delay' }]])
    await db.commit({ statements: [write.expire(3_000)] })
    t.is(await read.eventOf(key), undefined)
    t.is(await read.eventOf({ ...key, txnId: '2' }), '')
  },
)

bothDatabases(
  test,
  'a device that has the ID of an earlier one has transactions of its own',
  async (t, db) => {
    const [read, write, devices] = [
      new TransactionReader(db),
      new TransactionWriter(db),
      new DeviceWriter(db),
    ]
    const key = { userId: '@a:x', deviceId: 'PHONE', scope: 'send !r:x m.room.message', txnId: '1' }
    const send = (id: string, now: number) => db.commit({ statements: [write.remember(key, { id }, now)] })
    const logIn = (now: number) =>
      db.commit({ statements: [devices.insert('@a:x', 'PHONE', undefined, now)] })
    await logIn(1_000)
    t.true((await send('$1', 1_000)).ok)
    await logIn(2_000)
    t.false((await send('$2', 3_000)).ok, 'the same device goes on')
    t.is(await read.eventOf(key), '$1')
    await db.commit({ statements: [devices.delete('@a:x', ['PHONE'])] })
    await logIn(4_000)
    t.is(await read.eventOf(key), undefined)
    t.true((await send('$3', 4_000)).ok)
    t.false((await send('$4', 5_000)).ok)
    t.is(await read.eventOf(key), '$3')
  },
)

test('how events came to be is found by the events, whatever else their sender has sent', async t => {
  const db = await testDatabase(t)
  const asked: Prepared[] = []
  const read = new TransactionReader({
    ...{ dialect: db.dialect, list: db.list.bind(db), compile: db.compile.bind(db) },
    ...{ get: db.get.bind(db), scan: db.scan.bind(db), position: db.position.bind(db) },
    prepare: sql => db.prepare(sql),
    all: (prepared, parameters) => {
      asked.push(prepared)
      return db.all(prepared, parameters)
    },
  })
  await read.ofEvents('@a:x', 'PHONE', [1, 2])
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${asked[0]?.sql}`)
  const [step] = await db.all<{ detail: string }>(plan, [db.list([1, 2])])
  t.is(step?.detail, 'SEARCH remembered_transactions USING INDEX remembered_transactions_nid (event_nid=?)')
})

test('what older versions have remembered is found by its digest', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'test.db')
  const config = { client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true }
  const version = migrations.findIndex(({ name }) => name === '0040-narrow-transactions')
  await migrate(config, undefined, version)
  const key = { userId: '@a:x', deviceId: 'PHONE', scope: 'send !r:x m.room.message' }
  const count = 1_001
  const knex = loadKnex()(config)
  await knex.batchInsert(
    'client_transactions',
    Array.from({ length: count }, (_, nid) => ({
      ...{ user_id: key.userId, device_id: key.deviceId, scope: key.scope, txn_id: String(nid) },
      ...{ event_id: `$${nid}`, event_nid: nid, created_ts: 1_000 },
    })),
    100,
  )
  await knex.destroy()
  const db = await openDatabase({ kind: 'sqlite', path })
  t.teardown(() => db.close())
  const read = new TransactionReader(db)
  const found = await Promise.all(
    Array.from({ length: count }, (_, nid) => read.eventOf({ ...key, txnId: String(nid) })),
  )
  t.deepEqual(
    found,
    Array.from({ length: count }, (_, nid) => `$${nid}`),
  )
  t.deepEqual([...(await read.ofEvents('@a:x', 'PHONE', [7]))], [['$7', { txnId: '7' }]])
})
