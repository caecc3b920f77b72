import { serverNameOf } from '../../core/ids.ts'
import type { Prepared, Reader } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import type { StateSpan } from '../rooms/state-entry.ts'

/** When a member event was the state of its user. */
export interface MemberSpan extends StateSpan {
  readonly userId: string
}

/** What the state before an event on a fork has in place of the timeline's. */
export interface ForkedState {
  readonly eventNid: number
  /** `undefined`: not set in the event's state. */
  readonly stateNid: number | undefined
}

/** The same of one user's membership. */
export interface ForkedMember extends ForkedState {
  readonly userId: string
}

interface ForkColumns {
  event_nid: number
  state_key: string
  state_event_nid: number | null
}

/** Reads how the users of one server have been in a room, and what else its sight follows from. */
export class ServerMembershipReader {
  readonly #db: Reader
  readonly #history: Prepared
  readonly #forkedVisibilities: Prepared
  readonly #forkedMembers: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#history = db.prepare(
      `SELECT s.state_key, s.event_nid, s.valid_from, s.valid_to FROM memberships m
       JOIN room_state s ON s.room_nid = m.room_nid AND s.type = 'm.room.member' AND s.state_key = m.user_id
       WHERE m.room_nid = ? AND m.host = ? ORDER BY s.valid_from`,
    )
    const forked = `SELECT event_nid, state_key, state_event_nid FROM event_state_delta
      WHERE ${db.dialect.inInteger('event_nid')}`
    this.#forkedVisibilities = db.prepare(
      `${forked} AND type = 'm.room.history_visibility' AND state_key = ''`,
    )
    this.#forkedMembers = db.prepare(
      `${forked} AND type = 'm.room.member' AND substr(state_key, length(state_key) + 1 - ?) = ?`,
    )
  }

  /** All that the users of `host` have been in a room, oldest first. */
  async history(roomNid: number, host: string): Promise<MemberSpan[]> {
    const rows = await this.#db.scan<{
      state_key: string
      event_nid: number
      valid_from: number
      valid_to: number | null
    }>(this.#history, [roomNid, host])
    return rows.map(row => ({
      userId: row.state_key,
      nid: row.event_nid,
      from: row.valid_from,
      to: row.valid_to ?? undefined,
    }))
  }

  /** Of these events, those in whose states another visibility of history holds than in the timeline's. */
  async forkedVisibilities(eventNids: readonly number[]): Promise<ForkedState[]> {
    if (eventNids.length === 0) return []
    return (await listedRows<ForkColumns>(this.#db, this.#forkedVisibilities, eventNids)).map(forkedState)
  }

  /** What the users of `host` are in these events' states that they are not in the timeline's. */
  async forkedMembers(eventNids: readonly number[], host: string): Promise<ForkedMember[]> {
    if (eventNids.length === 0) return []
    const ending = `:${host}`
    const rows = await this.#db.scan<ForkColumns>(this.#forkedMembers, [
      this.#db.list(eventNids),
      [...ending].length,
      ending,
    ])
    return rows
      .filter(row => serverNameOf(row.state_key) === host)
      .map(row => ({ ...forkedState(row), userId: row.state_key }))
  }
}

const forkedState = ({ event_nid, state_event_nid }: ForkColumns): ForkedState => ({
  eventNid: event_nid,
  stateNid: state_event_nid ?? undefined,
})
