import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** Reads which events of other servers' users this server has to pass on to everybody in the room. */
export class RelayedEventReader {
  readonly #db: Reader
  readonly #among: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#among = db.prepare(
      `SELECT event_nid FROM relayed_events WHERE ${db.dialect.inInteger('event_nid')}`,
    )
  }

  /** Those of the given events that are to be passed on. */
  async among(nids: readonly number[]): Promise<Set<number>> {
    if (nids.length === 0) return new Set()
    const rows = await this.#db.all<{ event_nid: number }>(this.#among, [this.#db.list(nids)])
    return new Set(rows.map(row => row.event_nid))
  }
}

/** Builds the statement that marks an event. */
export class RelayedEventWriter {
  readonly #insert: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare('INSERT INTO relayed_events (event_nid) VALUES (?) ON CONFLICT DO NOTHING')
  }

  /** Belongs into the commit that stores the event: who follows the stream sees both or neither. */
  insert(nid: number): WriteStatement {
    return { prepared: this.#insert, rows: [[nid]] }
  }
}
