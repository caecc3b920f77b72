import test from 'ava'
import pg from 'pg'
import { testPostgres } from '../../test-kit/database.ts'
import { ConstraintError, DatabaseGaveUp, DatabaseUnavailable } from '../database.ts'
import { openDatabase } from '../open.ts'
import { errorOf, isLost } from './postgres-errors.ts'

const refusal = (code: string) => Object.assign(new pg.DatabaseError('no', 0, 'error'), { code })

test('what was given up for the sake of others, or took too long, says nothing of what was to be stored', t => {
  for (const code of ['40001', '40P01', '55P03', '57014', '25P03', '25P04'])
    t.true(errorOf(refusal(code)) instanceof DatabaseGaveUp, code)
  for (const code of ['53100', '57P01', '57P05', '08006']) {
    const error = errorOf(refusal(code))
    t.true(error instanceof DatabaseUnavailable && !(error instanceof DatabaseGaveUp), code)
  }
  for (const code of ['25P03', '25P04', '57P05']) t.true(isLost(refusal(code)), code)
  t.true(errorOf(refusal('23505')) instanceof ConstraintError)
  t.false(errorOf(refusal('42601')) instanceof DatabaseUnavailable)
})

testPostgres(
  test,
  'a write that may not wait for another any longer can be made again',
  async (t, _, { url }) => {
    const impatient = new URL(url)
    impatient.searchParams.set('options', '-c lock_timeout=10ms')
    const database = await openDatabase({ kind: 'postgres', url: impatient.href })
    t.teardown(() => database.close())
    const insert = database.prepare('INSERT INTO nid_sequences (name, next) VALUES (?, ?)')
    await database.commit({ statements: [{ prepared: insert, rows: [['x', 1]] }] })
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    t.teardown(() => other.end())
    await other.query('BEGIN; UPDATE nid_sequences SET next = 5')
    const update = database.prepare('UPDATE nid_sequences SET next = next + ? WHERE name = ?')
    const write = () => database.commit({ statements: [{ prepared: update, rows: [[1, 'x']] }] })
    await t.throwsAsync(write(), { instanceOf: DatabaseGaveUp })
    await other.query('COMMIT')
    t.like(await write(), { ok: true })
    t.deepEqual(await database.all(database.prepare('SELECT next FROM nid_sequences')), [{ next: 6 }])
  },
)
