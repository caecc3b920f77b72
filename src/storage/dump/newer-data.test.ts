import { join } from 'node:path'
import test from 'ava'
import { SCHEMA_VERSION } from '../../../migrations/index.ts'
import { sqliteConfig } from '../../test-kit/database.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { copyRows } from './copy.ts'
import { openDump, writeDump } from './dump-file.ts'
import { openTarget } from './open.ts'
import { DumpError } from './row-stream.ts'
import { openSqliteSource } from './sqlite-source.ts'

test('data of a newer version are copied by that version alone', async t => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'newer.dump')
  const source = openSqliteSource((await sqliteConfig(t)).path)
  const newer = { ...source, schemaVersion: SCHEMA_VERSION + 1 }
  await writeDump(newer, { path, serverName: 'here.test', now: 1 })
  await source.close()
  const dump = await openDump(path)
  const target = await openTarget({ kind: 'sqlite', path: join(directory, 'to.db') })
  await t.throwsAsync(copyRows(dump, target), {
    instanceOf: DumpError,
    message: new RegExp(`schema ${SCHEMA_VERSION + 1}, this program knows ${SCHEMA_VERSION}`),
  })
  await target.close()
  await dump.close()
})
