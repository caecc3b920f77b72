import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { COMPATIBLE_BACK_TO, SCHEMA_VERSION } from '../../migrations/index.ts'
import { bothDatabases, sqliteConfig } from '../test-kit/database.ts'
import { type Database, DatabaseTooNew, DatabaseUnavailable } from './database.ts'
import { holdForService } from './dialect/sqlite-service.ts'
import { refuseServed } from './inspect.ts'
import { type DatabaseConfig, type Migrated, openDatabase } from './open.ts'

const temporary = (t: ExecutionContext): string => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A process that serves from the database and commits all the time. */
const storm = async (
  t: ExecutionContext,
  database: Database,
  config: DatabaseConfig,
): Promise<ChildProcess> => {
  const create = database.prepare('CREATE TABLE storm (id bigint PRIMARY KEY, at bigint NOT NULL)')
  await database.commit({ statements: [{ prepared: create, rows: [[]] }] })
  const child = fork(join(import.meta.dirname, '../test-kit/commit-storm.ts'), [JSON.stringify(config)])
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

bothDatabases(
  test,
  'a database of a newer version is refused, unless it says that we may',
  async (t, database, config) => {
    const pretend = async (version: number, compatibleBackTo: number) => {
      const update = database.prepare('UPDATE schema_info SET version = ?, compatible_back_to = ?')
      await database.commit({ statements: [{ prepared: update, rows: [[version, compatibleBackTo]] }] })
    }
    await pretend(SCHEMA_VERSION + 2, SCHEMA_VERSION)
    const usable = await openDatabase(config)
    await usable.close()
    await pretend(SCHEMA_VERSION + 2, SCHEMA_VERSION + 1)
    const error = await t.throwsAsync(openDatabase(config), { instanceOf: DatabaseTooNew })
    t.regex(
      error?.message ?? '',
      new RegExp(`schema ${SCHEMA_VERSION + 2}, this program knows ${SCHEMA_VERSION}`),
    )
    const info = await database.get(database.prepare('SELECT version FROM schema_info'))
    t.deepEqual(info, { version: SCHEMA_VERSION + 2 }, 'nothing was changed')
  },
)

bothDatabases(
  test,
  'a version that older ones do not understand is not begun beside them',
  async (t, database, config) => {
    const older = database.prepare('UPDATE schema_info SET version = ?')
    await database.commit({ statements: [{ prepared: older, rows: [[COMPATIBLE_BACK_TO - 1]] }] })
    const lease = database.prepare(
      'INSERT INTO leases (name, holder, fence, held_until_ts) VALUES (?, ?, 1, ?)',
    )
    const until = Date.now() + 600_000
    await database.commit({ statements: [{ prepared: lease, rows: [['push', 'another', until]] }] })
    await database.close()
    const server = config.kind === 'sqlite' ? holdForService(config.path) : undefined
    await t.throwsAsync(openDatabase(config), {
      instanceOf: DatabaseUnavailable,
      message: /older ones do not understand: stop all servers of the older version first/,
    })
    server?.end()
    if (config.kind === 'postgres') await releaseAll(config.url)
    const alone = await openDatabase(config)
    await t.notThrowsAsync(alone.close())
  },
)

const releaseAll = async (url: string): Promise<void> => {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('UPDATE leases SET held_until_ts = 0')
  await client.end()
}

test('the start that brings the schema up to date is told what that took', async t => {
  const path = join(temporary(t), 'homeserver.db')
  const told: Migrated[] = []
  for (const _ of [1, 2]) {
    const database = await openDatabase({ kind: 'sqlite', path }, { onMigrated: done => told.push(done) })
    await database.close()
  }
  t.deepEqual(
    told.map(({ applied }) => applied),
    [SCHEMA_VERSION],
  )
  t.true(told.every(({ milliseconds }) => milliseconds > 0))
})

/**
 * What was acknowledged is there after the process has been killed, sets are there as a whole, and positions go on
 * where they ended.
 */
bothDatabases(test, 'a killed process loses nothing that was acknowledged', async (t, database, config) => {
  const child = await storm(t, database, config)
  const acknowledged: number[] = []
  child.on('message', id => {
    acknowledged.push(Number(id))
    if (acknowledged.length === 400) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  t.is(signal, 'SIGKILL')

  const again = await openDatabase(config)
  t.teardown(() => again.close())
  const rows = await again.all<{ id: number; at: number }>(
    again.prepare('SELECT id, at FROM storm ORDER BY id'),
  )
  const ids = new Set(rows.map(({ id }) => id))
  t.deepEqual(
    acknowledged.filter(id => !ids.has(2 * id)),
    [],
  )
  t.true(
    rows.every(({ id }) => ids.has(id ^ 1)),
    'no set is there in part',
  )
  t.is(new Set(rows.map(({ at }) => at)).size, rows.length)
  const insert = again.prepare('INSERT INTO storm (id, at) VALUES (-1, ?)')
  const next = await again.commit({
    statements: [{ prepared: insert, rows: [[{ stream: 'events', offset: 0 }]] }],
  })
  t.true(next.ok && (next.positions.events ?? 0) > Math.max(...rows.map(({ at }) => at)))
})

test('a directory that is missing is made, and the file is for its owner alone', async t => {
  const path = join(temporary(t), 'a/b/tessera.db')
  const database = await openDatabase({ kind: 'sqlite', path })
  await database.close()
  t.is(statSync(path).mode & 0o777, 0o600)
})

test('a place where nothing can be written is named', async t => {
  const directory = temporary(t)
  const file = join(directory, 'file')
  writeFileSync(file, 'not a directory')
  chmodSync(directory, 0o555)
  t.teardown(() => chmodSync(directory, 0o755))
  // The superuser may write everywhere but where the kernel keeps its own.
  const readOnly = process.getuid?.() === 0 ? '/sys' : directory
  for (const path of [
    join(readOnly, 'tessera.db'),
    join(readOnly, 'below/tessera.db'),
    join(file, 'tessera.db'),
  ]) {
    const error = await t.throwsAsync(openDatabase({ kind: 'sqlite', path }), {
      instanceOf: DatabaseUnavailable,
    })
    t.true(error?.message.startsWith(`cannot write the database ${path}: `), error?.message)
  }
})

test('a file that is no database is left alone', async t => {
  const path = join(temporary(t), 'letter.txt')
  writeFileSync(path, 'Dear reader, '.repeat(1000))
  await t.throwsAsync(openDatabase({ kind: 'sqlite', path }), {
    instanceOf: DatabaseUnavailable,
    message: /cannot use the database .*letter\.txt: file is not a database/,
  })
})

test('a server that is not there is named, without its password', async t => {
  const url = `postgres://anna:secret@localhost/chat?host=${temporary(t)}`
  const error = await t.throwsAsync(openDatabase({ kind: 'postgres', url }), {
    instanceOf: DatabaseUnavailable,
  })
  t.regex(error?.message ?? '', /^cannot reach the database postgres:\/\/anna@localhost\/chat/)
})

test('a database may be opened twice in one process, and closed one after the other', async t => {
  const config = await sqliteConfig(t)
  const [first, second] = [await openDatabase(config), await openDatabase(config)]
  const insert = first.prepare('INSERT INTO nid_sequences (name, next) VALUES (?, 1)')
  await first.commit({ statements: [{ prepared: insert, rows: [['first']] }] })
  await first.close()
  t.like(await second.commit({ statements: [{ prepared: insert, rows: [['second']] }] }), { ok: true })
  t.deepEqual(await second.scan(second.prepare('SELECT name FROM nid_sequences')), [
    { name: 'first' },
    { name: 'second' },
  ])
  await second.close()
})

test('one server has an SQLite database, and commands beside it; the next has it when that one is gone', async t => {
  const config = await sqliteConfig(t)
  const beside = await openDatabase(config)
  await refuseServed(config, 0)
  t.false(
    existsSync(`${config.path}-service`),
    'whoever looks leaves nothing that a server of another user could not open',
  )
  const child = await storm(t, beside, config)
  await once(child, 'message')
  const refused = {
    instanceOf: DatabaseUnavailable,
    message: /^a server is running on the database .*test\.db: stop it first$/,
  }
  await t.throwsAsync(openDatabase(config, { forService: true }), refused)
  await t.throwsAsync(refuseServed(config, 0), refused)
  t.truthy(await beside.get(beside.prepare('SELECT 1 FROM storm')))
  await beside.close()
  child.kill('SIGKILL')
  await once(child, 'close')
  await refuseServed(config, 0)
  const server = await openDatabase(config, { forService: true })
  t.false(existsSync(`${config.path}-service-journal`), 'nothing lies about but the lock')
  await t.throwsAsync(openDatabase(config, { forService: true }), refused)
  await server.close()
  const next = await openDatabase(config, { forService: true })
  await next.close()
})
