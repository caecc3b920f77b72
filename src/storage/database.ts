/**
 * The database as the rest of Tessera sees it: reads that answer rows, and writes that are values.
 *
 * A write is a `WriteSet`: a list of statements executed atomically, in order. There are no interactive
 * transactions: that is what lets writes leave the main thread, share one durable commit (group commit), be retried
 * and be pipelined, and what makes a network call inside a transaction impossible.
 *
 * SQL is portable: `?` placeholders in order, `ON CONFLICT`, `RETURNING`, recursive CTEs, JSON as text, 0/1 for
 * booleans, milliseconds since 1970 for instants. What differs between SQLite and PostgreSQL is in `dialect/`.
 */

import type { Knex } from 'knex'
import { NotServing } from '../core/errors.ts'

/** What a column may hold and a placeholder may be given. Integers stay within 2^53. */
export type SqlValue = string | number | null | Uint8Array

export type Row = Record<string, SqlValue>

/** A list bound to one placeholder; made by `Reader.list`, used with `Dialect.inText` / `inInteger`. */
export interface SqlList {
  readonly list: readonly (string | number)[]
}

/**
 * Placeholder value that becomes a position of a stream when the set is committed. Every set that names a stream
 * is given the next `1 + max(offset)` positions of it, in commit order: a reader at position n never later sees a
 * row at or below n appear. `offset` counts from 0 within the set. Positions of sets that failed may stay unused.
 */
export interface StreamPosition {
  readonly stream: StreamName
  readonly offset: number
}

/**
 * The append-only streams. Sync tokens, federation queues and all other consumers follow them by position.
 * `backfill` grows into the past: what a placeholder becomes, and what is stored on the axis of the events, is −p for
 * its position p, while `position` and `CommitResult.positions` speak of p. `imported` is moved by an import from Synapse, once, and
 * by nothing else.
 */
export type StreamName =
  | 'events'
  | 'backfill'
  | 'invites'
  | 'account_data'
  | 'receipts'
  | 'to_device'
  | 'device_lists'
  | 'notifications'
  | 'federation_edus'
  | 'profiles'
  | 'invitation_records'
  | 'bulletins'
  | 'sticky_events'
  | 'imported'

/** What a placeholder of a write may be given. */
export type SqlParameter = SqlValue | SqlList | StreamPosition

/** A compiled statement: made once by `Database.prepare`, executed often. */
export interface Prepared {
  /** Index into the database's table of statements; what travels to the writer thread instead of the text. */
  readonly id: number
  /** The text in the dialect's own placeholders. */
  readonly sql: string
}

/** A statement made for one occasion, with its parameters. */
export interface Compiled {
  readonly prepared: Prepared
  readonly parameters: readonly SqlValue[]
}

/** One statement of a write set. */
export interface WriteStatement {
  readonly prepared: Prepared
  /** The parameters of each execution; one entry for a single execution, many for a bulk insert. */
  readonly rows: readonly (readonly SqlParameter[])[]
  /** If given, the affected row count summed over `rows` must equal `expected`, or the set is rolled back. */
  readonly guard?: { readonly name: string; readonly expected: number }
  /** Rows from `RETURNING` are handed back in `CommitResult.returned` under this name. */
  readonly returning?: string
}

export interface WriteSet {
  readonly statements: readonly WriteStatement[]
  /**
   * Called once the set is stored, before anybody who follows the streams is told, this process included: for what caches have
   * to know, so that a follower never acts on what they held before. Must not throw.
   */
  readonly onStored?: (stored: Stored) => void
}

/** A set is on disk. */
export interface Stored {
  readonly ok: true
  /** The first position that this set was given in each stream it named. */
  readonly positions: Readonly<Partial<Record<StreamName, number>>>
  readonly returned: Readonly<Record<string, readonly Row[]>>
}

export type CommitResult =
  | Stored
  | {
      readonly ok: false
      /** Name of the guard that failed. Nothing of the set is stored. */
      readonly guard: string
    }

/** What reads and what can go wrong: the read side, given to whoever must not write. */
export interface Reader {
  readonly dialect: Dialect
  /**
   * Compiles a statement with `?` placeholders, which therefore cannot stand in literals. Call once at construction,
   * never per request.
   */
  prepare(sql: string): Prepared
  /** Compiles a query whose shape depends on the request; ten times as dear as a prepared one. */
  compile(build: (knex: Knex) => Knex.QueryBuilder): Compiled
  /** Binds a list of ids to the one placeholder of `dialect.inText` or `dialect.inInteger`. */
  list(values: readonly (string | number)[]): SqlList
  /** All rows. On SQLite this runs at once on the calling thread: not for more than about 100 rows. */
  all<T extends object = Row>(prepared: Prepared, parameters?: readonly (SqlValue | SqlList)[]): Promise<T[]>
  /** The first row, or `undefined`. */
  get<T extends object = Row>(
    prepared: Prepared,
    parameters?: readonly (SqlValue | SqlList)[],
  ): Promise<T | undefined>
  /** Like `all`, for reads that may touch many rows: on SQLite in a reader thread, off the event loop. */
  scan<T extends object = Row>(prepared: Prepared, parameters?: readonly (SqlValue | SqlList)[]): Promise<T[]>
  /** The position up to which everything in the stream is committed and readable. */
  position(stream: StreamName): number
}

/** The write side. */
export interface Writer {
  /**
   * Commits a set durably, together with whatever else is waiting (group commit). Sets of one caller commit in
   * the order of the calls. Resolves once the data is on disk.
   *
   * A failed guard resolves to `{ok: false}`. Uniqueness and foreign-key violations reject with
   * `ConstraintError`; a lost database rejects with `DatabaseUnavailable`.
   */
  commit(set: WriteSet): Promise<CommitResult>
  /** Called after each commit group with the new position of each stream that moved. Never throws. */
  onCommit(listener: (moved: ReadonlyMap<StreamName, number>) => void): () => void
}

export interface Database extends Reader, Writer {
  /** Names this connection to the database among those of other processes; `undefined` where no other can be. */
  readonly mark: number | undefined
  /**
   * Whether the database knows nobody any more by such a mark, though it does know this process: the other has ended, or has lost its
   * connection and not made another yet.
   */
  isGone(mark: number): Promise<boolean>
  close(): Promise<void>
}

/** SQL fragments that differ. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** `column` is one of a bound list of texts: `… WHERE ${inText('event_id')}` with one placeholder. */
  inText(column: string): string
  /** The same for integers. */
  inInteger(column: string): string
  /**
   * The text at a path of members in a column of JSON text; NULL where there is none. For ordering and searching: what a text has to
   * do with NUL, PostgreSQL does not read.
   */
  jsonText(column: string, path: readonly string[]): string
}

/** A uniqueness, foreign-key or check constraint refused the write. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError'
  /** The table and columns, or the constraint's name, as far as the database tells. */
  readonly constraint: string
  constructor(constraint: string, options?: ErrorOptions) {
    super(`constraint violated: ${constraint}`, options)
    this.constraint = constraint
  }
}

/** The database does not answer (disk full, connection lost, closed). Nothing is known to be stored. */
export class DatabaseUnavailable extends NotServing {
  override readonly name: string = 'DatabaseUnavailable'
}

/**
 * The database answers, and has given this up: for the sake of others, or because it took too long, as it may every time. Nothing of it is
 * stored.
 */
export class DatabaseGaveUp extends DatabaseUnavailable {
  override readonly name = 'DatabaseGaveUp'
}

/** A newer version of the program has changed the database in a way that this one does not understand. */
export class DatabaseTooNew extends Error {
  override readonly name = 'DatabaseTooNew'
  constructor(found: number, ours: number) {
    super(
      `the database belongs to a newer version of Tessera (schema ${found}, this program knows ${ours}): ` +
        'start that version, or restore a backup from before the upgrade',
    )
  }
}
