import type { CommitResult, Row, SqlList, SqlParameter, SqlValue, StreamName, WriteSet } from '../database.ts'
import type { Moved } from './positions.ts'
import { UNKEPT } from './statements.ts'

/**
 * What travels between the main thread and the storage threads: long arrays, since each message costs as much as a
 * hundred set entries, and each array within it as much as five values. Statements travel as ids; their texts go along
 * once.
 */

/** A kept statement's id, or the text of one that is not kept. */
export type WireStatementRef = number | string

/** A value, or the position `offset` places after the first that the set is given in the stream. */
export type WireParameter = SqlValue | readonly [stream: StreamName, offset: number]

/** `expected` is −1 without a guard. */
export type WireStatement = readonly [
  statement: WireStatementRef,
  rows: readonly (readonly WireParameter[])[],
  expected: number,
  returning: boolean,
]

export type WireSet = readonly WireStatement[]

/** Write sets on their way. */
export interface WireSets {
  /** Of each set the number of its statements; of each statement its id (or `TEXT`), rows, columns, `expected`, returning. */
  readonly shape: Int32Array<ArrayBuffer>
  /** The statements that are not kept, in order. */
  readonly texts: readonly string[]
  /** The parameters of all rows of all statements. */
  readonly values: readonly WireParameter[]
}

/** Stands for the id of a statement whose text travels. */
const TEXT = -1

export const COMMITTED = 0
export const GUARD_FAILED = 1
export const FAILED = 2

/** What became of a set. `returned` has one entry for each returning statement; `statement` is an index into the set. */
export type WireResult =
  | readonly [kind: typeof COMMITTED, positions: Moved, returned: readonly Row[][]]
  | readonly [kind: typeof GUARD_FAILED, statement: number]
  | readonly [kind: typeof FAILED, error: WireError]

/** An error taken apart, since classes do not survive the way between threads. */
export type WireError = readonly [kind: 'constraint' | 'unavailable' | 'other', message: string]

export interface CommitAnswer {
  readonly results: readonly WireResult[]
  /** How far streams have moved by these sets, and by what was committed before them. */
  readonly moved: Moved
  /** How many sets shared the commit; 0 where that is told with another answer. */
  readonly shared: number
}

/** One read: a statement and its parameters. */
export type WireRead = readonly [statement: WireStatementRef, parameters: readonly SqlValue[]]

/** Rows without the names of their columns in each of them. */
export interface WireTable {
  readonly names: readonly string[]
  /** Of all rows, one after the other. */
  readonly values: readonly SqlValue[]
}

export type ReadAnswer = readonly (WireTable | { readonly error: WireError })[]

/** `definitions` are the statements that this thread has not seen yet. */
export type WireRequest = readonly [
  id: number,
  definitions: readonly (readonly [number, string])[],
  body: WireBody,
]

export type WireBody =
  | readonly [op: 'commit', path: string, sets: WireSets]
  | readonly [op: 'read', path: string, reads: readonly WireRead[]]
  | readonly [op: 'close', path: string]

export type WireAnswer = readonly [id: number, ...WireOutcome]

/** What came of a request. */
export type WireOutcome = readonly [value: CommitAnswer | ReadAnswer | null, error: WireError | null]

/** A value as SQLite binds it: a list becomes the JSON that `json_each` reads. */
export const sqliteValue = (value: SqlValue | SqlList): SqlValue =>
  isPlain(value) ? value : JSON.stringify(value.list)

/** Bytes travel alone: cloning a view would take the whole buffer under it along. */
export const wireValue = (value: SqlValue): SqlValue =>
  value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value

/** Write sets as they travel. */
export const encodeSets = (sets: readonly WriteSet[]): WireSets => {
  const shape = new Int32Array(sets.reduce((length, set) => length + 1 + set.statements.length * 5, 0))
  const texts: string[] = []
  const values: WireParameter[] = []
  let at = 0
  for (const { statements } of sets) {
    shape[at++] = statements.length
    for (const { prepared, rows, guard, returning } of statements) {
      if (prepared.id === UNKEPT) texts.push(prepared.sql)
      const columns = rows[0]?.length ?? 0
      const id = prepared.id === UNKEPT ? TEXT : prepared.id
      shape[at++] = id
      shape[at++] = rows.length
      shape[at++] = columns
      shape[at++] = guard?.expected ?? -1
      shape[at++] = returning === undefined ? 0 : 1
      for (const row of rows) {
        if (row.length !== columns) throw new Error(`rows of different lengths for ${prepared.sql}`)
        for (let column = 0; column < columns; column++)
          values.push(encodeParameter(row[column] as SqlParameter))
      }
    }
  }
  return { shape, texts, values }
}

/** Write sets as they have arrived. */
export const decodeSets = ({ shape, texts, values }: WireSets): WireSet[] => {
  const sets: WireSet[] = []
  let at = 0
  let text = 0
  let value = 0
  const next = (): number => shape[at++] ?? 0
  while (at < shape.length) {
    const set: WireStatement[] = []
    for (let left = next(); left > 0; left--) {
      const [id, count, columns, expected, returning] = [next(), next(), next(), next(), next()]
      const rows: WireParameter[][] = []
      for (let row = 0; row < count; row++) {
        rows.push(values.slice(value, value + columns))
        value += columns
      }
      set.push([id === TEXT ? (texts[text++] ?? '') : id, rows, expected, returning === 1])
    }
    sets.push(set)
  }
  return sets
}

/** The rows as they are read. */
export const decodeTable = ({ names, values }: WireTable): Row[] => {
  const rows: Row[] = []
  for (let at = 0; at < values.length; ) {
    const row: Record<string, SqlValue> = {}
    for (const name of names) row[name] = values[at++] ?? null
    rows.push(row)
  }
  return rows
}

const encodeParameter = (value: SqlParameter): WireParameter => {
  if (isPlain(value)) return wireValue(value)
  return 'stream' in value ? [value.stream, value.offset] : JSON.stringify(value.list)
}

const isPlain = (value: SqlParameter): value is SqlValue =>
  typeof value !== 'object' || value === null || value instanceof Uint8Array

/** Gives a set's outcome its names back. Only for outcomes that are not `FAILED`. */
export const decodeResult = (
  set: WriteSet,
  result: Exclude<WireResult, readonly [2, WireError]>,
): CommitResult => {
  if (result[0] === GUARD_FAILED) {
    return { ok: false, guard: set.statements[result[1]]?.guard?.name ?? '' }
  }
  const names = set.statements.flatMap(statement => statement.returning ?? [])
  return {
    ok: true,
    positions: Object.fromEntries(result[1]),
    returned: Object.fromEntries(names.map((name, index) => [name, result[2][index] ?? []])),
  }
}
