import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { openDatabase } from '../storage/open.ts'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/tessera')

let hashed: string | undefined

/** Names a template after the migrations that made it, so that it is made anew when one of them changes. */
export const migrationsHash = (): string => {
  hashed ??= hashMigrations()
  return hashed
}

const hashMigrations = (): string => {
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

/** Any number: threads and processes that look for the template at the same time make it one after the other. */
const TEMPLATE_LOCK = 7_357_002

/**
 * Makes an empty, migrated database on the server that `adminUrl` leads to, by copying one that is made once per
 * server. Answers its URL and its end.
 */
export const makePostgresDatabase = async (
  adminUrl: string,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await withClient(adminUrl, async client => {
    const copying = copies.get(adminUrl) ?? copyOf(client, adminUrl)
    copies.set(adminUrl, copying)
    copying.catch(() => copies.delete(adminUrl))
    await client.query(`CREATE DATABASE ${name} ${await copying}`)
  })
  return {
    url: urlOfDatabase(adminUrl, name),
    drop: () =>
      withClient(adminUrl, async client => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
      }),
  }
}

/** How the template of a server is copied: found out once in a process, which then takes the lock once. */
const copies = new Map<string, Promise<string>>()

const copyOf = async (client: pg.Client, adminUrl: string): Promise<string> =>
  `TEMPLATE ${await postgresTemplate(client, adminUrl)}${await copyingFiles(client)}`

/** Since PostgreSQL 15 a new database is written to the log page by page unless told otherwise, which takes twice as long. */
const copyingFiles = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  )
  return (rows[0]?.version ?? 0) >= 150_000 ? ' STRATEGY FILE_COPY' : ''
}

const postgresTemplate = async (client: pg.Client, adminUrl: string): Promise<string> => {
  const name = `tessera_template_${migrationsHash()}`
  const isThere = async () =>
    ((await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount ?? 0) > 0
  if (await isThere()) return name
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
  try {
    if (await isThere()) return name
    const draft = `${name}_draft`
    await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`)
    await client.query(`CREATE DATABASE ${draft} TEMPLATE template0`)
    const database = await openDatabase({ kind: 'postgres', url: urlOfDatabase(adminUrl, draft) })
    await database.close()
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`)
    return name
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK])
  }
}

const urlOfDatabase = (adminUrl: string, name: string): string => {
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Its types do not know that it may let the process end. */
type Client = pg.Client & { ref(): void; unref(): void }

interface Admin {
  readonly client: Client
  /** How many use it at the moment, or wait for their turn. */
  users: number
  /** Ends with the turn of the last of them: a client of the driver is to be asked one thing at a time. */
  turns: Promise<unknown>
}

/** The connections by which databases are made and dropped, by URL: to connect costs a third of a database. */
const admins = new Map<string, Promise<Admin>>()

const connect = async (url: string): Promise<Admin> => {
  const client = new pg.Client(url) as Client
  // The next one who needs it connects anew.
  client.on('error', () => admins.delete(url))
  client.on('end', () => admins.delete(url))
  await client.connect()
  return { client, users: 0, turns: Promise.resolve() }
}

/** The connection keeps the process alive only while it is used. */
const withClient = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const connecting = admins.get(url) ?? connect(url)
  admins.set(url, connecting)
  const admin = await connecting.catch(error => {
    admins.delete(url)
    throw error
  })
  admin.users += 1
  admin.client.ref()
  const turn = admin.turns.then(() => use(admin.client))
  admin.turns = turn.catch(() => undefined)
  try {
    return await turn
  } finally {
    admin.users -= 1
    if (admin.users === 0) admin.client.unref()
  }
}
