import { SCHEMA_VERSION } from '../../../migrations/index.ts'
import {
  DumpError,
  keyOf,
  type Progress,
  type RowSource,
  RowSum,
  type RowTarget,
  type TableShape,
} from './row-stream.ts'

/** Told while a copy goes on. */
export interface CopyProgress {
  readonly phase: 'copy' | 'compare'
  readonly table: string
  /** Of all tables so far. */
  readonly rows: number
  /** Of all tables; `undefined` where the source cannot tell. */
  readonly total: number | undefined
}

/** What a copy has come to. */
export interface Copied {
  readonly tables: number
  readonly rows: number
}

/**
 * Copies everything from a source into a target. What an earlier attempt has stored stays; in the end each table is read
 * back, and has to hold as many rows with the same checksum as came from the source. What follows from the rows is for the caller to make,
 * who then has the target `finish`.
 *
 * @throws {DumpError} if the source is of a newer version, or if the target is not empty, lacks a table, or does not hold what was sent
 */
export const copyRows = async (
  source: RowSource,
  target: RowTarget,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<Copied> => {
  if (source.schemaVersion > SCHEMA_VERSION) {
    throw new DumpError(
      `what is to be copied belongs to a newer version of Tessera (schema ${source.schemaVersion}, this program knows ${SCHEMA_VERSION}): do it with that version`,
    )
  }
  await target.prepare(source.schemaVersion, source.fingerprint)
  if (await target.isComplete()) return copied(target, await source.tables())
  const shapes = new Map((await target.tables()).map(table => [table.name, table]))
  const tables = await source.tables()
  const total = await totalOf(source, tables)
  let rows = 0
  for (const table of tables) {
    const shape = shapes.get(table.name)
    if (shape === undefined) throw new DumpError(`the target has no table ${table.name}`)
    rows += await copyTable(source, target, sameColumns(table, shape), done =>
      onProgress({ phase: 'copy', table: table.name, rows: rows + done, total }),
    )
  }
  let compared = 0
  for (const table of tables) {
    const expected = await target.progress(table)
    const found = await target.sum(shapes.get(table.name) ?? table)
    if (found.rows !== expected?.rows || found.checksum !== expected.checksum) {
      throw new DumpError(
        `the table ${table.name} does not hold what was sent: ${found.rows} rows (${found.checksum}) instead of ${expected?.rows} (${expected?.checksum})`,
      )
    }
    compared += found.rows
    onProgress({ phase: 'compare', table: table.name, rows: compared, total: rows })
  }
  await target.complete()
  return { tables: tables.length, rows }
}

/** What an earlier attempt has come to. */
const copied = async (target: RowTarget, tables: readonly TableShape[]): Promise<Copied> => {
  let rows = 0
  for (const table of tables) rows += (await target.progress(table))?.rows ?? 0
  return { tables: tables.length, rows }
}

const totalOf = async (source: RowSource, tables: readonly TableShape[]): Promise<number | undefined> => {
  let total = 0
  for (const table of tables) {
    const count = await source.count(table)
    if (count === undefined) return undefined
    total += count
  }
  return total
}

/** What a column holds is for the target to say; a dump file does not. */
const sameColumns = (table: TableShape, shape: TableShape): TableShape => {
  if (table.columns.join() !== shape.columns.join() || table.key.join() !== shape.key.join()) {
    throw new DumpError(`the table ${table.name} has other columns in the target`)
  }
  return { ...table, isText: shape.isText }
}

const EMPTY: Progress = { ...new RowSum().value, lastKey: undefined, isDone: false }

const copyTable = async (
  source: RowSource,
  target: RowTarget,
  table: TableShape,
  onRows: (rows: number) => void,
): Promise<number> => {
  const before = (await target.progress(table)) ?? EMPTY
  const sum = new RowSum(before)
  let { lastKey } = before
  // A file has to be read past what is there, also for a table that is done.
  for await (const rows of source.rows(table, before)) {
    if (before.isDone) throw new DumpError(`the source has more rows of ${table.name} than before`)
    for (const row of rows) sum.add(row)
    const last = rows.at(-1)
    lastKey = last === undefined ? lastKey : keyOf(table, last)
    await target.insert(table, rows, { ...sum.value, lastKey, isDone: false })
    onRows(sum.rows)
  }
  await target.insert(table, [], { ...sum.value, lastKey, isDone: true })
  return sum.rows
}
