import test from 'ava'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import type { Prepared } from '../database.ts'
import { DELAYED_SCOPE, TransactionReader, TransactionWriter } from './transactions.ts'

testDatabases(
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
  t.is(step?.detail, 'SEARCH client_transactions USING INDEX client_transactions_nid (event_nid=?)')
})
