import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { testPostgres } from '../../test-kit/database.ts'
import { emptyPostgres } from '../../test-kit/empty-postgres.ts'
import { copy, files, filled, sumsOf } from '../../test-kit/filled-database.ts'
import { inspectDatabase } from '../inspect.ts'
import { type DatabaseConfig, openDatabase } from '../open.ts'
import { copyRows } from './copy.ts'
import { openDump, writeDump } from './dump-file.ts'
import { openSource, openTarget } from './open.ts'
import { BATCH, DumpError, type RowTarget } from './row-stream.ts'
import { openSqliteSource } from './sqlite-source.ts'

testPostgres(test, 'there and back again, everything is the same', async (t, database, config) => {
  const file = files(t)
  await database.close()
  await filled(file('from.db'))
  const sums = await sumsOf(openSqliteSource(file('from.db')))
  await t.throwsAsync(async () => copyRows(openSqliteSource(file('from.db')), await openTarget(config)), {
    instanceOf: DumpError,
    message: /holds data already/,
  })
  const empty = await emptyPostgres(t, config.url)
  const target = await openTarget(empty)
  const copied = await copyRows(openSqliteSource(file('from.db')), target)
  await refusesAll(t, empty)
  t.deepEqual(await copyRows(openSqliteSource(file('from.db')), target), copied, 'all of it is there')
  await target.finish()
  await target.close()
  t.deepEqual(await sumsOf(await openSource(empty)), sums)
  const back = { kind: 'sqlite', path: file('back.db') } as const
  await copy(await openSource(empty), await openTarget(back))
  t.deepEqual(await sumsOf(openSqliteSource(back.path)), sums)
})

/** What is only half of a database is neither served from nor copied. */
const refusesAll = async (t: ExecutionContext, config: DatabaseConfig): Promise<void> => {
  const refused = { message: /is being filled from a backup or another database, or that was interrupted/ }
  await t.throwsAsync(openDatabase(config), refused)
  await t.throwsAsync(inspectDatabase(config), refused)
  await t.throwsAsync(openSource(config), refused)
  await (await openDatabase(config, { isBeingFilled: true })).close()
}

test('a copy goes on where it was interrupted, and a backup is of one moment', async t => {
  const file = files(t)
  const large = new Set(['accounts', 'events', 'streams'])
  await filled(file('from.db'), table => (large.has(table) ? BATCH + 10 : 3))
  const source = openSqliteSource(file('from.db'))
  await writeDump(source, { path: file('all.dump'), serverName: 'here.test', now: 1 })
  for (const open of [async () => openSqliteSource(file('from.db')), () => openDump(file('all.dump'))]) {
    const to = { kind: 'sqlite', path: file(`to-${open.toString().length}.db`) } as const
    const target = await openTarget(to)
    let batches = 0
    const failing: RowTarget = Object.create(target, {
      insert: {
        value: (...parameters: Parameters<RowTarget['insert']>) => {
          if (parameters[0].name === 'events' && ++batches === 2) throw new Error('the power is cut')
          return target.insert(...parameters)
        },
      },
      prepare: { value: target.prepare.bind(target) },
      tables: { value: target.tables.bind(target) },
      progress: { value: target.progress.bind(target) },
      isComplete: { value: target.isComplete.bind(target) },
    })
    const interrupted = await open()
    await t.throwsAsync(copyRows(interrupted, failing), { message: /power/ })
    await interrupted.close()
    await target.close()
    await refusesAll(t, to)
    await copy(await open(), await openTarget(to))
    t.deepEqual(await sumsOf(openSqliteSource(to.path)), await sumsOf(openSqliteSource(file('from.db'))))
  }
  const writer = new Sqlite(file('from.db'))
  writer.exec("INSERT INTO streams (name, position) VALUES ('later', 1)")
  writer.close()
  const streams = await source.tables().then(tables => tables.find(({ name }) => name === 'streams'))
  t.is(streams && (await source.count(streams)), BATCH + 10, 'what came later is not seen')
  await source.close()
  const other = await openTarget({ kind: 'sqlite', path: file('to-other.db') })
  const before = await openDump(file('all.dump'))
  await other.prepare(before.schemaVersion, before.fingerprint)
  await t.throwsAsync(copyRows(openSqliteSource(file('from.db')), other), {
    message: /filled from other data/,
  })
  await other.close()
})

test('a damaged backup is found out, and nothing but a backup is read', async t => {
  const file = files(t)
  await filled(file('from.db'))
  const source = openSqliteSource(file('from.db'))
  await writeDump(source, { path: file('good.dump'), serverName: 'here.test', now: 1 })
  await source.close()
  t.is(statSync(file('good.dump')).mode & 0o777, 0o600, 'it holds secrets')
  const lines = gunzipSync(readFileSync(file('good.dump')))
    .toString()
    .split('\n')
  const damages: Record<string, string[]> = {
    'one value': lines.map(line => line.replace('"3.0', '"4.0')),
    'one row less': lines.toSpliced(4, 1),
    'the end': lines.slice(0, -2),
    'half of it': lines.slice(0, lines.length / 2),
  }
  for (const [what, damaged] of Object.entries(damages)) {
    const path = file('bad.dump')
    writeFileSync(path, gzipSync(damaged.join('\n')))
    const target = await openTarget({ kind: 'sqlite', path: file(`${what}.db`) })
    const dump = await openDump(path)
    await t.throwsAsync(
      copyRows(dump, target),
      { instanceOf: DumpError, message: /damaged|incomplete/ },
      what,
    )
    await dump.close()
    await target.close()
  }
  writeFileSync(file('cut.dump'), readFileSync(file('good.dump')).subarray(0, 3_000))
  const target = await openTarget({ kind: 'sqlite', path: file('cut.db') })
  await t.throwsAsync(async () => copyRows(await openDump(file('cut.dump')), target), {
    instanceOf: DumpError,
  })
  await target.close()
  writeFileSync(file('text'), 'no backup at all')
  for (const path of ['text', 'missing']) await t.throwsAsync(openDump(file(path)), { instanceOf: DumpError })
  t.throws(() => openSqliteSource(file('none.db')), { instanceOf: DumpError })
  t.throws(() => openSqliteSource(file('text')), { instanceOf: DumpError, message: /not a database/ })
  await t.throwsAsync(openTarget({ kind: 'sqlite', path: file('text') }), { instanceOf: DumpError })
})
