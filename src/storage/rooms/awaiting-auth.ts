import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Reads which events are rejected only because an auth event of theirs was missing, or rejected itself. */
export class AwaitingAuthReader {
  readonly #db: Reader
  readonly #of: Prepared
  readonly #any: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#any = db.prepare('SELECT 1 AS one FROM events_awaiting_auth LIMIT 1')
    this.#of = db.prepare(
      `SELECT DISTINCT event_nid FROM events_awaiting_auth WHERE ${db.dialect.inText('auth_event_id')}
       ORDER BY event_nid`,
    )
  }

  /** Whether any event waits at all: hardly ever. */
  async any(): Promise<boolean> {
    return (await this.#db.get(this.#any)) !== undefined
  }

  /** The nids of the events that wait for any of these. */
  async of(authEventIds: readonly string[]): Promise<number[]> {
    const rows = await this.#db.all<{ event_nid: number }>(this.#of, [this.#db.list(authEventIds)])
    return rows.map(row => row.event_nid)
  }
}

/** Builds the statements that take it down. */
export class AwaitingAuthWriter {
  readonly #insert: Prepared
  readonly #remove: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      'INSERT INTO events_awaiting_auth (auth_event_id, event_nid) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#remove = db.prepare('DELETE FROM events_awaiting_auth WHERE auth_event_id = ? AND event_nid = ?')
  }

  add(eventNid: number, authEventIds: readonly string[]): WriteStatement[] {
    if (authEventIds.length === 0) return []
    return [{ prepared: this.#insert, rows: authEventIds.map(id => [id, eventNid]) }]
  }

  remove(eventNid: number, authEventIds: readonly string[]): WriteStatement[] {
    if (authEventIds.length === 0) return []
    return [{ prepared: this.#remove, rows: authEventIds.map(id => [id, eventNid]) }]
  }
}
