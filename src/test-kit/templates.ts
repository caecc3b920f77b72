import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../storage/open.ts'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/tessera')

/** Names a template after the migrations that made it, so that it is made anew when one of them changes. */
export const migrationsHash = (): string => {
  const hash = createHash('sha256')
  const folder = join(ROOT, 'migrations')
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.ts') && !file.endsWith('.test.ts'))
      hash.update(file).update(readFileSync(join(folder, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

/**
 * The path of a migrated, empty SQLite database to be copied. It is made once and kept: other threads and processes
 * that look for it at the same time may make it too, and the last one's file stays.
 */
export const sqliteTemplate = async (): Promise<string> => {
  const path = join(CACHE, `template-${migrationsHash()}.db`)
  if (existsSync(path)) return path
  mkdirSync(CACHE, { recursive: true })
  const draft = `${path}.${process.pid}.${crypto.randomUUID()}`
  const database = await openDatabase({ kind: 'sqlite', path: draft })
  await database.close()
  renameSync(draft, path)
  for (const suffix of ['-wal', '-shm']) rmSync(draft + suffix, { force: true })
  return path
}
