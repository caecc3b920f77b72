/** One state event's place: what it is the state of, and which event. */
export interface StateEntry {
  readonly type: string
  readonly stateKey: string
  readonly nid: number
  readonly eventId: string
  /** The event's generation in the auth graph, where it is at hand. */
  readonly generation?: number
}

/** A change of one state point at a position; `nid` is what holds from there on. */
export interface StateChange extends StateEntry {
  readonly position: number
}

/** A difference of one event's state from the intervals: `nid` undefined means that the point is not set. */
export interface StateDelta {
  readonly type: string
  readonly stateKey: string
  readonly nid: number | undefined
  readonly eventId: string | undefined
  readonly generation?: number
}

/** When an event was the state of its point: from a position (inclusive) to another (exclusive), if it has ended. */
export interface StateSpan {
  readonly nid: number
  readonly from: number
  readonly to: number | undefined
}

/** A `StateSpan` as the database has it. */
export interface SpanColumns {
  event_nid: number
  valid_from: number
  valid_to: number | null
}

export const stateSpan = (row: SpanColumns): StateSpan => ({
  nid: row.event_nid,
  from: row.valid_from,
  to: row.valid_to ?? undefined,
})
