import type { Database, Prepared, SqlValue, WriteStatement } from '../database.ts'
import { PROGRESS_TABLE } from '../dump/row-stream.ts'

/** How far a step of an import has come; what an interrupted one goes on from. */
export interface StepState {
  /** The key of the last row that was dealt with. */
  readonly lastKey: readonly SqlValue[] | undefined
  /** Rows of the source that were dealt with. */
  readonly rows: number
  /** What came over, by what it is: `accounts` → 12. */
  readonly came: Readonly<Record<string, number>>
  /** What did not come over, by a sentence that says what and why. */
  readonly left: Readonly<Record<string, number>>
  readonly isDone: boolean
}

/** Where a step begins. */
export const NOTHING_DONE: StepState = { lastKey: undefined, rows: 0, came: {}, left: {}, isDone: false }

interface StateRow {
  readonly table_name: string
  readonly row_count: number
  readonly last_key: string | null
  readonly is_done: number
}

/** How far the steps of an import have come. To be made once the target is marked (`markImport`). */
export class ImportProgress {
  readonly #db: Database
  readonly #all: Prepared
  readonly #note: Prepared

  constructor(db: Database) {
    this.#db = db
    this.#all = db.prepare(`SELECT table_name, row_count, last_key, is_done FROM ${PROGRESS_TABLE}`)
    this.#note = db.prepare(
      `INSERT INTO ${PROGRESS_TABLE} (table_name, row_count, checksum, last_key, is_done) VALUES (?, ?, '', ?, ?)
       ON CONFLICT (table_name) DO UPDATE SET
         row_count = excluded.row_count, last_key = excluded.last_key, is_done = excluded.is_done`,
    )
  }

  /** What was noted of each step. */
  async states(): Promise<Map<string, StepState>> {
    const rows = await this.#db.scan<StateRow>(this.#all)
    return new Map(rows.filter(row => row.last_key !== null).map(row => [row.table_name, stateOf(row)]))
  }

  /** Notes how far a step has come: belongs into the set with what it stores. */
  note(step: string, { lastKey, rows, came, left, isDone }: StepState): WriteStatement {
    const details = JSON.stringify({ lastKey, came, left })
    return { prepared: this.#note, rows: [[step, rows, details, isDone ? 1 : 0]] }
  }
}

const stateOf = (row: StateRow): StepState => {
  const details = JSON.parse(row.last_key ?? '{}') as Pick<StepState, 'lastKey' | 'came' | 'left'>
  return { ...details, lastKey: details.lastKey, rows: row.row_count, isDone: row.is_done === 1 }
}
