import { copyFileSync } from 'node:fs'
import test from 'ava'
import Sqlite from 'better-sqlite3'
import { SCHEMA_VERSION } from '../../../migrations/index.ts'
import { copy, files, fill, sumsOf } from '../../test-kit/filled-database.ts'
import { migrate } from '../migrate.ts'
import { openDatabase } from '../open.ts'
import { openDump, writeDump } from './dump-file.ts'
import { openTarget } from './open.ts'
import { openSqliteSource } from './sqlite-source.ts'

/** Brings a database, or a file that is not there yet, to a version of the schema. */
const upgrade = (filename: string, version: number): Promise<void> =>
  migrate({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true }, undefined, version)

/** Every table and index of a database, as it was declared. */
const declarationsOf = (path: string): string[] => {
  const database = new Sqlite(path)
  const all = database
    .prepare<[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .pluck()
    .all()
  database.close()
  return all
}

/**
 * Each migration meets rows of the version before it, and those of the first version go through all of them. A backup is made
 * of each version in which a table or an index is for the last time as it is, and was in no backup yet: so all of them are in one.
 */
test('backups of older versions of the schema can be restored, and are brought up to date', async t => {
  const file = files(t)
  const current = file('current.db')
  const backedUp = new Set<string>()
  await upgrade(current, 1)
  for (let version = 1; version <= SCHEMA_VERSION; version++) {
    const from = file(`from-${version}.db`)
    const next = Math.min(version + 1, SCHEMA_VERSION)
    fill(current, () => 3)
    copyFileSync(current, from)
    await upgrade(current, next)
    t.is(await versionOf(current), next)
    const declared = declarationsOf(from)
    const remaining = version === SCHEMA_VERSION ? new Set() : new Set(declarationsOf(current))
    if (version === 1 || declared.some(one => !remaining.has(one) && !backedUp.has(one))) {
      const path = file(`${version}.dump`)
      const to = { kind: 'sqlite', path: file(`to-${version}.db`) } as const
      const source = openSqliteSource(from)
      await writeDump(source, { path, serverName: 'here.test', now: 1 })
      await source.close()
      await copy(await openDump(path), await openTarget(to))
      t.deepEqual(declarationsOf(to.path).toSorted(), declared.toSorted(), `version ${version}`)
      t.deepEqual(
        await sumsOf(openSqliteSource(to.path)),
        await sumsOf(openSqliteSource(from)),
        `version ${version}`,
      )
      for (const one of declared) backedUp.add(one)
      if (version === 1) await (await openDatabase(to)).close()
      else await upgrade(to.path, next)
      t.is(await versionOf(to.path), version === 1 ? SCHEMA_VERSION : next)
    }
  }
})

const versionOf = async (path: string): Promise<number> => {
  const source = openSqliteSource(path)
  await source.close()
  return source.schemaVersion
}
