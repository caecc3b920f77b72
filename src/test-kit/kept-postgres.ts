/**
 * Databases of PostgreSQL that one test after another has, emptied in between, with the connections to them. To make one and drop it takes
 * as long as most tests, and a new connection longer: its process knows no table and has planned no statement.
 */
import type { TestFn } from 'ava'
import { type Connect, connectClient, type PostgresClient } from '../storage/dialect/postgres-connection.ts'
import { makePostgresDatabase } from './templates.ts'

/** A database as a test has it: empty, migrated. */
export interface LentDatabase {
  readonly url: string
  /** Makes connections that are kept when they are ended: for `openDatabase`. */
  readonly connect: Connect
  /** Call it when everything that was opened is closed. */
  giveBack(): Promise<void>
  /** Takes it from everybody: instead, where somebody may be using it still. */
  end(): Promise<void>
}

type Use = Parameters<Connect>[1]

/** Bytes of a table: with more, most tests have made a large room or a long history, and it is quicker to make a new database. */
const GROWN = 512 * 1024

/** So many connections of a kind are kept: the server has few for all who test on it. */
const KEPT_OF_A_KIND = 4

/** What migrations write once and for all. */
const MADE_ONCE = ['knex_migrations', 'knex_migrations_lock', 'schema_info']

/** How many rows there are, and which transaction has written one last. */
const stateOf = (rows: string): string =>
  `(SELECT concat(count(*), ' by ', max(CAST(CAST(xmin AS text) AS bigint))) FROM ${rows})`

/** Tells a schema from one that has been changed: each change of a table writes its row of `pg_class` anew. */
const SCHEMA = `SELECT concat_ws(', ',
  ${["pg_class WHERE relnamespace = 'public'::regnamespace", ...MADE_ONCE].map(stateOf).join()}) AS schema`

const WRITTEN = `SELECT quote_ident(relname) AS name, pg_relation_size(oid)::int AS size FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0`

const OTHERS = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL($1::int[])`

/** A database and its connections. */
class KeptDatabase implements LentDatabase {
  readonly url: string
  readonly connect: Connect = (url, use) =>
    // By another way to it, such as a proxy, each time anew.
    url === this.url ? this.#lend(use) : connectClient(url, use)
  readonly #shelf: string
  readonly #drop: () => Promise<void>
  readonly #talker: PostgresClient
  /** What it was like at first. */
  readonly #schema: string
  readonly #streams: unknown
  readonly #idle: [use: Use, client: PostgresClient][] = []
  readonly #lent = new Set<PostgresClient>()

  private constructor(
    { url, drop, shelf }: { url: string; drop: () => Promise<void>; shelf: string },
    { talker, schema, streams }: { talker: PostgresClient; schema: string; streams: unknown },
  ) {
    this.url = url
    this.#drop = drop
    this.#shelf = shelf
    this.#talker = talker
    this.#schema = schema
    this.#streams = streams
  }

  /** A new one on the server that `adminUrl` leads to. */
  static async make(adminUrl: string): Promise<KeptDatabase> {
    const { url, drop } = await makePostgresDatabase(adminUrl)
    const talker = await connected(url, 'talk')
    const { rows } = await talker.query<{ schema: string }>(SCHEMA)
    const streams = (await talker.query('SELECT name, position FROM streams')).rows
    const found = { talker, schema: rows[0]?.schema ?? '', streams: JSON.stringify(streams) }
    return new KeptDatabase({ url, drop, shelf: adminUrl }, found)
  }

  async giveBack(): Promise<void> {
    const isEmpty = await this.#emptied().catch(() => false)
    const shelf = shelves.get(this.#shelf)
    if (isEmpty && shelf !== undefined) shelf.push(this)
    else await this.end()
  }

  async end(): Promise<void> {
    await Promise.all(
      [...this.#idle.map(([, client]) => client), ...this.#lent, this.#talker].map(endForGood),
    )
    await this.#drop()
  }

  async #lend(use: Use): Promise<PostgresClient> {
    const index = this.#idle.findIndex(([kept]) => kept === use)
    const [[, client] = []] = index < 0 ? [] : this.#idle.splice(index, 1)
    const lent = client !== undefined && isGood(client) ? client : await connected(this.url, use)
    this.#lent.add(lent)
    lent.on('error', () => undefined)
    lent.end = async () => {
      if (!this.#lent.delete(lent)) return
      // Whoever had it is told as by the driver, and nothing after that.
      lent.emit('end')
      lent.removeAllListeners()
      lent.on('error', () => undefined)
      // What this test has told is not to reach the next one, nor that it was there.
      if (use === 'talk')
        await lent.query('UNLISTEN *; SELECT pg_advisory_unlock_all()').catch(() => undefined)
      const kept = this.#idle.filter(([other]) => other === use).length
      if (isGood(lent) && kept < KEPT_OF_A_KIND) this.#idle.push([use, lent])
      else await endForGood(lent)
    }
    return lent
  }

  /** Takes away what the test has written; answers whether the next one may have it. */
  async #emptied(): Promise<boolean> {
    if (this.#lent.size > 0) return false
    const mine = [this.#talker, ...this.#idle.map(([, client]) => client)].map(processOf)
    const { rowCount: others } = await this.#talker.query(OTHERS, [mine])
    const { rows: schemas } = await this.#talker.query<{ schema: string }>(SCHEMA)
    const { rows: written } = await this.#talker.query<{ name: string; size: number }>(WRITTEN)
    if (others !== 0 || schemas[0]?.schema !== this.#schema || written.some(({ size }) => size > GROWN))
      return false
    const deletions = written
      .filter(({ name }) => !MADE_ONCE.includes(name))
      .map(({ name }) => `DELETE FROM ${name};`)
    await this.#talker.query(`${deletions.join('')}
      INSERT INTO streams (name, position)
      SELECT name, position FROM json_to_recordset('${this.#streams}') AS streams (name text, position bigint)`)
    return true
  }
}

/** As often as that: each attempt has ten seconds, which a connection may take where very much else is done on the machine. */
const ATTEMPTS = 4

const connected = async (url: string, use: Use, attempt = 1): Promise<PostgresClient> => {
  try {
    return await connectClient(url, use)
  } catch (error) {
    const isLate = error instanceof Error && error.message.includes('timeout expired')
    if (!isLate || attempt === ATTEMPTS) throw error
    return connected(url, use, attempt + 1)
  }
}

const isGood = (client: PostgresClient): boolean =>
  client.connection.stream.writable && client.getTransactionStatus() === 'I'

const endForGood = async (client: PostgresClient): Promise<void> => {
  await Object.getPrototypeOf(client).end.call(client)
}

const processOf = (client: PostgresClient): number => Number('processID' in client && client.processID)

/** Those that nobody has, by server; nothing once the tests have ended. */
const shelves = new Map<string, KeptDatabase[]>()

let isKeeping = false

/** Has databases kept until the tests of this process have ended. To be called while tests are declared. */
export const keepDatabases = (test: TestFn): void => {
  if (!isKeeping)
    test.after.always(async () => {
      const kept = [...shelves.values()].flat()
      shelves.clear()
      await Promise.all(kept.map(database => database.end()))
    })
  isKeeping = true
}

/** Lends an empty, migrated database on the server that `adminUrl` leads to. */
export const lendPostgresDatabase = async (adminUrl: string): Promise<LentDatabase> => {
  const shelf = shelves.get(adminUrl) ?? []
  shelves.set(adminUrl, shelf)
  return shelf.pop() ?? (await KeptDatabase.make(adminUrl))
}
