import { join } from 'node:path'
import test from 'ava'
import { openDatabase } from '../storage/open.ts'
import { createFakeHost } from '../test-kit/command-line.ts'
import { testPostgres } from '../test-kit/database.ts'
import { emptyPostgres } from '../test-kit/empty-postgres.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { runProgram } from './program.ts'

test('what is to be set after a move is the file that was filled, wherever the settings start from', async t => {
  const cwd = temporaryDirectory(t)
  await (await openDatabase({ kind: 'sqlite', path: join(cwd, 'old.db') })).close()
  const host = createFakeHost(cwd)
  const line = ['migrate-database', '--from', 'sqlite:old.db', '--to', 'sqlite:new.db']
  t.is(await runProgram(host, line), 0)
  t.true(host.err().includes(`set database.url to sqlite:${join(cwd, 'new.db')} and`), host.err())
})

testPostgres(test, 'a move says where to, without the password', async (t, _, { url }) => {
  const cwd = temporaryDirectory(t)
  await (await openDatabase({ kind: 'sqlite', path: join(cwd, 'old.db') })).close()
  const to = new URL((await emptyPostgres(t, url)).url)
  to.searchParams.set('password', 'secret of the database')
  const host = createFakeHost(cwd)
  t.is(await runProgram(host, ['migrate-database', '--from', 'sqlite:old.db', '--to', to.href]), 0)
  t.regex(host.err(), /set database\.url to postgres:\/\/\S+password=\*{8}\S* and/)
  t.notRegex(host.err(), /secret/)

  t.is(
    await runProgram(host, ['migrate-database', '--from', 'sqlite:old.db', '--to', 'pg://x:secret@y/z']),
    1,
  )
  t.regex(host.err(), /--to is no database: write/)
  t.notRegex(host.err(), /secret/)
})
