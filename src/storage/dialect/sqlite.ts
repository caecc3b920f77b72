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
import { type CommitMeter, GroupCommitter, settle, tellStored, type Waiting } from './group-committer.ts'
import { type Moved, Positions } from './positions.ts'
import { errorOf, SqliteConnection, toError } from './sqlite-connection.ts'
import { SqliteThread } from './sqlite-thread.ts'
import {
  type CommitAnswer,
  decodeResult,
  decodeTable,
  encodeSets,
  FAILED,
  type ReadAnswer,
  sqliteValue,
  type WireStatementRef,
  wireValue,
} from './sqlite-wire.ts'
import { StatementTable, UNKEPT } from './statements.ts'

/**
 * SQLite speaks `?` itself. But it compiles a statement anew at each execution where a value that is bound might change the
 * plan, as it does for that of a `LIMIT` or a `LIKE`, which costs several times what a short read does: with a `+` before it
 * no plan is made by it.
 */
const table = new StatementTable(sql => sql.replaceAll(/\b(LIMIT|LIKE) \?/g, '$1 +?'))
const textOf = (id: number): string => table.textOf(id)

/** Who writes, and who reads what takes long, away from the calling thread. */
export interface SqliteHelpers {
  readonly writer: Pick<SqliteThread, 'request'>
  readonly reader: Pick<SqliteThread, 'request'>
}

/** One writer and one reader thread serve all databases of this process. */
const threads: SqliteHelpers = {
  writer: new SqliteThread('writer-worker', textOf),
  reader: new SqliteThread('reader-worker', textOf, { idleMs: 30_000 }),
}

const inList = (column: string): string => `${column} IN (SELECT value FROM json_each(?))`

const dialect: Dialect = {
  name: 'sqlite',
  inText: inList,
  inInteger: inList,
  jsonText: (column, path) => `json_extract(${column}, '$.${path.join('.')}')`,
}

/** More sets than this at once gain nothing, and make the first of them wait for the last. */
const GROUP_CAP = 64
/** Fewer than this in a message to the writer thread, and the messages cost more than its being idle. */
const ENOUGH = 8
/** As many groups as the writer thread commits together: what comes while it is busy is there when it looks for more. */
const IN_FLIGHT = 8

/** An SQLite database: reads at once on the calling thread, long reads and all writes in threads of their own. */
export class SqliteDatabase implements Database {
  /** What has been prepared in this process so far, on whichever database. */
  static readonly statements = (): readonly string[] => table.texts()
  /** The text of one of them. */
  static readonly textOf = textOf
  readonly dialect = dialect
  readonly mark = undefined
  readonly #path: string
  readonly #helpers: SqliteHelpers
  readonly #connection: SqliteConnection
  readonly #positions = new Positions()
  readonly #committer: GroupCommitter
  /** How far streams have moved that nobody has been told of. */
  #moved: Moved[number][] = []
  #advancing: Promise<void> | undefined
  #scanned = false
  #closing: Promise<void> | undefined
  readonly #onClosed: () => void

  /**
   * `path` names a migrated database file; `helpers` are the process's threads unless somebody simulates them; `onClosed` is
   * called when nothing of this database is open any more.
   */
  constructor(
    path: string,
    {
      meter,
      helpers = threads,
      onClosed = () => {},
    }: { meter?: CommitMeter | undefined; helpers?: SqliteHelpers; onClosed?: () => void } = {},
  ) {
    this.#path = path
    this.#onClosed = onClosed
    this.#helpers = helpers
    this.#committer = new GroupCommitter({
      cap: GROUP_CAP,
      inFlight: IN_FLIGHT,
      gathers: false,
      enough: ENOUGH,
      commit: group => this.#commitGroup(group),
      meter,
    })
    this.#connection = new SqliteConnection(path, 'read', textOf)
    this.#positions.advance(
      this.#connection.raw.prepare('SELECT name, position FROM streams').raw().all() as unknown as Moved,
    )
  }

  prepare(sql: string): Prepared {
    return table.prepare(sql)
  }

  compile(build: (knex: Knex) => Knex.QueryBuilder): Compiled {
    const { sql, bindings } = build(builderFor('better-sqlite3')).toSQL().toNative()
    return { prepared: { id: UNKEPT, sql }, parameters: bindings as readonly SqlValue[] }
  }

  list(values: readonly (string | number)[]): SqlList {
    return { list: values }
  }

  async all<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T[]> {
    try {
      return this.#connection.all(refOf(prepared), bind(parameters)) as T[]
    } catch (error) {
      throw errorOf(error)
    }
  }

  async get<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T | undefined> {
    try {
      return this.#connection.get(refOf(prepared), bind(parameters)) as T | undefined
    } catch (error) {
      throw errorOf(error)
    }
  }

  async scan<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T[]> {
    const ref = refOf(prepared)
    this.#scanned = true
    const answer = await this.#helpers.reader.request(
      ['read', this.#path, [[ref, bind(parameters).map(wireValue)]]],
      [ref],
    )
    const [read] = answer as ReadAnswer
    if (read === undefined) throw new Error('the reader thread did not answer')
    if ('error' in read) throw toError(read.error)
    return decodeTable(read) as unknown as T[]
  }

  async isGone(): Promise<boolean> {
    return true
  }

  position(stream: StreamName): number {
    return this.#positions.of(stream)
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
    if (this.#scanned) await this.#helpers.reader.request(['close', this.#path], [])
    this.#connection.close()
    await this.#helpers.writer.request(['close', this.#path], [])
    this.#onClosed()
  }

  async #commitGroup(group: readonly Waiting[]): Promise<number> {
    const statements = group.flatMap(({ set }) => set.statements.map(({ prepared }) => refOf(prepared)))
    const sets = encodeSets(group.map(({ set }) => set))
    const { results, moved, shared } = (await this.#helpers.writer.request(
      ['commit', this.#path, sets],
      statements,
    )) as CommitAnswer
    const outcomes = group.map(({ set }, index) => {
      const result = results[index]
      if (result === undefined) throw new Error('the writer thread left a set unanswered')
      return result[0] === FAILED ? toError(result[1]) : decodeResult(set, result)
    })
    tellStored(group, outcomes)
    await this.#advance(moved)
    settle(group, outcomes)
    return shared
  }

  /** Moves the streams by all that the writer thread has answered at once, so that who follows them looks once. */
  #advance(moved: Moved): Promise<void> {
    this.#moved.push(...moved)
    this.#advancing ??= Promise.resolve().then(() => {
      const all = this.#moved
      this.#moved = []
      this.#advancing = undefined
      this.#positions.advance(all)
    })
    return this.#advancing
  }
}

const refOf = (prepared: Prepared): WireStatementRef => (prepared.id === UNKEPT ? prepared.sql : prepared.id)

const bind = (parameters: readonly (SqlValue | SqlList)[] = []): readonly SqlValue[] =>
  parameters.map(sqliteValue)
