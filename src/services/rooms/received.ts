import type { WriteStatement } from '../../storage/database.ts'

/** What became of a received event. */
export type Received =
  | { readonly outcome: 'accepted'; readonly position: number }
  /** Kept but never shown or referred to; `reason` says which rule of the current state forbids it. */
  | { readonly outcome: 'soft-failed'; readonly reason: string }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'duplicate' }
  /** Nothing was stored: the room's policy server has not signed it, and is to be asked first. */
  | { readonly outcome: 'unrecommended'; readonly policyServer: string }
  /** Nothing was stored: these events are needed first, or the state before this one where they are here. */
  | { readonly outcome: 'missing'; readonly prevEvents: string[]; readonly authEvents: string[] }

/** What the caller has found out about an event whose `prev_events` are not all here, or not with the states after them. */
export interface ReceiveOptions {
  /**
   * The IDs of the state events before it, fetched from the peer where history has a gap. All of them must be stored
   * (at least as outliers). Without it, missing `prev_events` are reported.
   */
  readonly stateBefore?: readonly string[]
  /**
   * Nobody gives the missing auth events: instead of reporting them, the event is stored as rejected, and judged again
   * should they ever come.
   */
  readonly authEventsUnavailable?: boolean
  /**
   * The policy server was asked, or cannot be: if the event lacks its signature, it is soft-failed for this reason.
   */
  readonly notRecommended?: string
  /** It counts whatever the policy server has said of it. */
  readonly withoutPolicy?: boolean
  /**
   * Missing `prev_events` are not to be had while the room lacks members: the event builds on the current state, as far
   * as that is known, with what its auth events say. The state before it is asked for once the members are there.
   */
  readonly onCurrentState?: boolean
  /**
   * Nobody will ever tell what lies before it: it builds on the current state with what its auth events say, in whichever room, and
   * the timeline has a gap before it.
   */
  readonly gapStays?: boolean
  /** It was soft-failed, and the room has changed since: it is shown after all, from now on, if it may be. */
  readonly reconsider?: boolean
  /** Further statements of the commit that stores the event, if it is accepted. */
  readonly statements?: (nid: number) => readonly WriteStatement[]
}
