import { randomInt } from 'node:crypto'
import type { Knex } from 'knex'
import type {
  CommitResult,
  Compiled,
  Database,
  Dialect,
  Prepared,
  Row,
  SqlList,
  SqlValue,
  StreamName,
  WriteSet,
} from '../database.ts'
import { builderFor } from '../knex.ts'
import { type CommitMeter, GroupCommitter } from './group-committer.ts'
import { Positions } from './positions.ts'
import type { PostgresClient } from './postgres-connection.ts'
import type { PostgresConnector } from './postgres-connector.ts'
import { MARKS, PostgresListener, SILENCE_MS } from './postgres-listener.ts'
import { PostgresPool } from './postgres-pool.ts'
import { PostgresWriter } from './postgres-writer.ts'
import { StatementTable, UNKEPT } from './statements.ts'

/** `?` becomes `$1`, `$2`, …, as knex writes them. */
const table = new StatementTable(sql => builderFor('pg').raw(sql).toSQL().toNative().sql)

const dialect: Dialect = {
  name: 'postgres',
  inText: column => `${column} = ANY(?::text[])`,
  inInteger: column => `${column} = ANY(?::bigint[])`,
  // It takes JSON with an escaped NUL for invalid as soon as it is looked into.
  jsonText: (column, path) =>
    `CASE WHEN strpos(${column}, '\\u0000') > 0 THEN NULL ELSE CAST(${column} AS json) #>> '{${path.join(',')}}' END`,
}

/** Who is connected, of two: advisory locks of two numbers are listed by them. */
const MARKED = table.prepare(
  `SELECT CAST(objid AS bigint) AS mark FROM pg_locks
   WHERE locktype = 'advisory' AND classid = CAST(CAST(? AS bigint) AS oid) AND objsubid = 2 AND granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND objid IN (CAST(CAST(? AS bigint) AS oid), CAST(CAST(? AS bigint) AS oid))`,
)

const READ_CONNECTIONS = 4
const READS = { use: 'points', share: 8, most: 64 } as const
/** A long read holds up whatever shares its flight. */
const SCANS = { use: 'scans', size: 2, share: 1, most: 1 } as const
const GROUP_CAP = 128

/** A PostgreSQL database: reads on a few connections, grouped writes on one. */
export class PostgresDatabase implements Database {
  /** What has been prepared in this process so far, on whichever database. */
  static readonly statements = (): readonly string[] => table.texts()
  readonly dialect = dialect
  readonly mark = randomInt(1, 2 ** 31)
  readonly #connector: PostgresConnector
  readonly #reads: PostgresPool
  /** Apart, so that short reads do not wait for long ones. */
  readonly #scans: PostgresPool
  readonly #positions = new Positions()
  readonly #writer: PostgresWriter
  readonly #listener: PostgresListener
  readonly #committer: GroupCommitter
  #closing: Promise<void> | undefined

  /** `connector` leads to a migrated database; `start` comes before everything else. */
  constructor(
    connector: PostgresConnector,
    {
      poolSize,
      meter,
      silence = SILENCE_MS,
    }: { poolSize?: number | undefined; meter?: CommitMeter | undefined; silence?: number | undefined },
  ) {
    this.#connector = connector
    this.#reads = new PostgresPool(this.#connector, {
      size: poolSize ?? READ_CONNECTIONS,
      ...READS,
    })
    this.#scans = new PostgresPool(this.#connector, SCANS)
    this.#writer = new PostgresWriter(this.#connector, this.#positions, table)
    const cut = (): void => {
      for (const each of [this.#reads, this.#scans, this.#writer]) each.cutSilent(silence)
    }
    this.#listener = new PostgresListener(() => connector.talk(), this.#positions, {
      mark: this.mark,
      silenceMs: silence,
      onSilence: () => {
        cut()
        // Something that had just gone out then.
        setTimeout(cut, silence).unref()
      },
    })
    this.#committer = new GroupCommitter({
      cap: GROUP_CAP,
      inFlight: 1,
      gathers: true,
      commit: group => this.#writer.commit(group).then(() => group.length),
      meter,
    })
  }

  /** Learns the present positions, and from then on the new ones, on the client if one is given. */
  async start(client?: PostgresClient): Promise<void> {
    await this.#listener.start(client)
  }

  prepare(sql: string): Prepared {
    return table.prepare(sql)
  }

  compile(build: (knex: Knex) => Knex.QueryBuilder): Compiled {
    const { sql, bindings } = build(builderFor('pg')).toSQL().toNative()
    return { prepared: { id: UNKEPT, sql }, parameters: bindings as readonly SqlValue[] }
  }

  list(values: readonly (string | number)[]): SqlList {
    return { list: values }
  }

  async all<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T[]> {
    const { rows } = await this.#reads.execute(prepared, parameters)
    return rows as T[]
  }

  async get<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T | undefined> {
    const { rows } = await this.#reads.execute(prepared, parameters)
    return rows[0] as T | undefined
  }

  async scan<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T[]> {
    const { rows } = await this.#scans.execute(prepared, parameters)
    return rows as T[]
  }

  position(stream: StreamName): number {
    return this.#positions.of(stream)
  }

  async isGone(mark: number): Promise<boolean> {
    const marks = await this.all<{ mark: number }>(MARKED, [MARKS, this.mark, mark])
    return marks.some(found => found.mark === this.mark) && !marks.some(found => found.mark === mark)
  }

  commit(set: WriteSet): Promise<CommitResult> {
    return this.#committer.add(set)
  }

  onCommit(listener: (moved: ReadonlyMap<StreamName, number>) => void): () => void {
    return this.#positions.listen(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#committer.close()
    this.#connector.close()
    await Promise.all([
      this.#writer.close(),
      this.#reads.close(),
      this.#scans.close(),
      this.#listener.close(),
    ])
  }
}
