import { join } from 'node:path'
import test from 'ava'
import { openDatabase } from '../storage/open.ts'
import { createFakeHost } from '../test-kit/command-line.ts'
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
