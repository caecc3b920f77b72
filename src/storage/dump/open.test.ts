import test from 'ava'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { unavailableBy } from './open.ts'

test('a full disk and a database server that is gone are no faults of the program', async t => {
  const said = async (error: unknown): Promise<string | undefined> => (await unavailableBy(error))?.message
  const full = 'database or disk is full'
  t.is(await said(new Sqlite.SqliteError(full, 'SQLITE_FULL')), `${full} (SQLITE_FULL)`)
  const noSpace = new pg.DatabaseError('could not extend file', 0, 'error')
  noSpace.code = '53100'
  t.is(await said(noSpace), 'could not extend file')
  const gone = 'the connection to the database was lost'
  t.is(await said(new Error('Connection terminated unexpectedly')), gone)
  t.is(await said(new Error('the room', { cause: noSpace })), 'could not extend file')
  t.is(await said(Object.assign(new Error('reset'), { syscall: 'read', code: 'ECONNRESET' })), gone)

  const file = Object.assign(new Error('no space'), { syscall: 'write', code: 'ENOSPC', path: '/x' })
  for (const error of [file, new Error('a fault'), new Sqlite.SqliteError('syntax', 'SQLITE_ERROR')])
    t.is(await said(error), undefined)
})
