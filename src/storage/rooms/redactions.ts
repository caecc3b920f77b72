import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { listedRows } from '../listed-rows.ts'

/** Reads which redactions refer to which events, including events that have not arrived yet. */
export class RedactionReader {
  readonly #db: Reader
  readonly #of: Prepared
  readonly #named: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#of = db.prepare('SELECT redaction_nid FROM redactions WHERE redacts = ? ORDER BY redaction_nid')
    this.#named = db.prepare(`SELECT DISTINCT redacts FROM redactions WHERE ${db.dialect.inText('redacts')}`)
  }

  /** The nids of the stored redactions of an event, whether or not they may be applied. */
  async of(eventId: string): Promise<number[]> {
    return (await this.#db.all<{ redaction_nid: number }>(this.#of, [eventId])).map(row => row.redaction_nid)
  }

  /** Those of some event IDs that a stored redaction names. */
  async named(eventIds: readonly string[]): Promise<Set<string>> {
    const rows = await listedRows<{ redacts: string }>(this.#db, this.#named, eventIds)
    return new Set(rows.map(row => row.redacts))
  }
}

/** Builds the statement that remembers a redaction. */
export class RedactionWriter {
  readonly #insert: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      'INSERT INTO redactions (redacts, redaction_nid) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
  }

  insert(redacts: string, redactionNid: number): WriteStatement {
    return { prepared: this.#insert, rows: [[redacts, redactionNid]] }
  }
}
