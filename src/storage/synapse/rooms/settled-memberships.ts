import type { Prepared, Reader, WriteStatement } from '../../database.ts'

/**
 * While a timeline with branches is gone through, memberships come and go with the state of each event. In the end they are as old as
 * their events, and none was learnt late: clients were told by Synapse.
 */
export class SettledMemberships {
  readonly #settle: Prepared

  constructor(db: Reader) {
    this.#settle = db.prepare(
      `UPDATE memberships SET told_from = NULL, position = COALESCE(
         (SELECT CASE WHEN e.position < memberships.position THEN e.position END FROM events e
          WHERE e.event_nid = memberships.event_nid), position)
       WHERE room_nid = ?`,
    )
  }

  of(roomNid: number): WriteStatement {
    return { prepared: this.#settle, rows: [[roomNid]] }
  }
}
