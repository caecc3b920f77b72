import { hash } from 'node:crypto'
import type { SqlValue } from '../database.ts'

/** A table of the dump. */
export interface TableShape {
  readonly name: string
  /** In the order of their names, which is the same on every database. */
  readonly columns: readonly string[]
  /** The columns of its primary key; rows come in their order. */
  readonly key: readonly string[]
  /** For each column, whether it holds texts; else integers. */
  readonly isText: readonly boolean[]
}

/** The values of a row, in the order of the table's columns. */
export type RowValues = readonly SqlValue[]

/** What identifies the rows of a table, in whatever order they were added. */
export interface TableSum {
  readonly rows: number
  /** 16 hexadecimal digits. */
  readonly checksum: string
}

/** Where rows come from: a database or a dump file. */
export interface RowSource {
  /** The number of migrations that the data has been through. */
  readonly schemaVersion: number
  /** What the source's streams stand at: equal for the same state of the same data. */
  readonly fingerprint: string
  tables(): Promise<readonly TableShape[]>
  /** How many rows a table has, for showing progress. `undefined`: not known before. */
  count(table: TableShape): Promise<number | undefined>
  /** The rows of a table in batches, without the first `skip` of them. */
  rows(table: TableShape, skip: Skip): AsyncIterable<readonly RowValues[]>
  close(): Promise<void>
}

/** How much of a table is there already. */
export interface Skip {
  readonly rows: number
  /** The key of the last row; `undefined`: none is there. */
  readonly lastKey: readonly SqlValue[] | undefined
}

/** How far a table has come in the target. */
export interface Progress extends TableSum, Skip {
  readonly isDone: boolean
}

/** Where rows go. */
export interface RowTarget {
  /** Makes the tables of a version of the schema. Throws `DumpError` unless they are empty, or partly filled from this source. */
  prepare(schemaVersion: number, fingerprint: string): Promise<void>
  tables(): Promise<readonly TableShape[]>
  progress(table: TableShape): Promise<Progress | undefined>
  /** Stores a batch together with how far the table has come. */
  insert(table: TableShape, rows: readonly RowValues[], progress: Progress): Promise<void>
  /** Reads a table back. */
  sum(table: TableShape): Promise<TableSum>
  /** Whether everything of this source is there, and was compared. */
  isComplete(): Promise<boolean>
  /** Notes that. */
  complete(): Promise<void>
  /** Forgets how it was filled: it is a database like any other now. Until then no server takes it. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** Why a dump cannot be made or used; for the operator as it is. */
export class DumpError extends Error {
  override readonly name = 'DumpError'
}

/** Adds up rows: the sum is the same in whatever order they come. */
export class RowSum {
  rows: number
  #sum: bigint

  constructor(before?: TableSum) {
    this.rows = before?.rows ?? 0
    this.#sum = BigInt(`0x${before?.checksum ?? '0'}`)
  }

  add(row: RowValues): void {
    this.rows += 1
    this.#sum = BigInt.asUintN(
      64,
      this.#sum + BigInt(`0x${hash('sha256', JSON.stringify(row)).slice(0, 16)}`),
    )
  }

  get value(): TableSum {
    return { rows: this.rows, checksum: this.#sum.toString(16).padStart(16, '0') }
  }
}

/** The key of a row. */
export const keyOf = (table: TableShape, row: RowValues): SqlValue[] =>
  table.key.map(column => row[table.columns.indexOf(column)] ?? null)

/** Rows that are read or written at once. */
export const BATCH = 2_000

/** Tables that are no data, or follow from the others. */
export const isLeftOut = (table: string): boolean =>
  table === 'schema_info' || table === PROGRESS_TABLE || /^(knex_|sqlite_|message_words)/.test(table)

/** Where a target notes how far it is filled: a database that has it is none yet. */
export const PROGRESS_TABLE = 'dump_progress'

/** What is to be done about that. */
export const HALF_FILLED =
  'is being filled from a backup or another database, or that was interrupted: give the same command again until it is done, or begin with an empty one'

export const CREATE_PROGRESS = `CREATE TABLE IF NOT EXISTS ${PROGRESS_TABLE} (
  table_name text PRIMARY KEY, row_count bigint NOT NULL, checksum text NOT NULL, last_key text, is_done bigint NOT NULL)`

/** A row of the progress table. */
export interface ProgressRow {
  readonly row_count: number
  readonly checksum: string
  readonly last_key: string | null
  readonly is_done: number
}

export const progressOf = (row: ProgressRow): Progress => ({
  rows: Number(row.row_count),
  checksum: row.checksum,
  lastKey: row.last_key === null ? undefined : (JSON.parse(row.last_key) as SqlValue[]),
  isDone: Number(row.is_done) === 1,
})

export const progressValues = (table: string, progress: Progress): SqlValue[] => [
  table,
  progress.rows,
  progress.checksum,
  progress.lastKey === undefined ? null : JSON.stringify(progress.lastKey),
  progress.isDone ? 1 : 0,
]

/** The progress row that names the source and the schema; no table is called so. */
export const SOURCE_ROW = '#source'

/** `"a", "b"`; names come from the catalogue. */
export const names = (columns: readonly string[]): string => columns.map(column => `"${column}"`).join(', ')
