import type { JsonObject } from './json.ts'

export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined'

const KNOWN: ReadonlySet<unknown> = new Set<HistoryVisibility>([
  'world_readable',
  'shared',
  'invited',
  'joined',
])

const isKnown = (value: unknown): value is HistoryVisibility => KNOWN.has(value)

/**
 * The visibility that a state gives to events sent under it: "if no history_visibility is set, or if the value is not
 * understood, the visibility is assumed to be shared".
 *
 * @param event the `m.room.history_visibility` event in the state, if any
 */
export const historyVisibilityOf = (
  event: { readonly content: JsonObject } | undefined,
): HistoryVisibility => {
  const value = event?.content['history_visibility']
  return isKnown(value) ? value : 'shared'
}

/** What an event was sent under. */
export interface VisibilityAt {
  /** In the state before the event. */
  readonly before: HistoryVisibility
  /** In the state after it; differs for `m.room.history_visibility` events alone and may be left out for others. */
  readonly after?: HistoryVisibility
}

/** A user's place at an event; `undefined` is "never had one". */
export interface MembershipAt {
  /** The user's `membership` in the state before the event. */
  readonly before: string | undefined
  /** In the state after it; differs for the user's own `m.room.member` events and may be left out for others. */
  readonly after?: string | undefined
}

export interface UserSight {
  readonly visibilityAt: VisibilityAt
  readonly membershipAt: MembershipAt
  /** Whether the user "joined the room at any point after the event was sent", though they may have left again. */
  readonly joinedSince: boolean
}

/**
 * Whether a user may see an event (client-server API, "Room History Visibility", server behaviour). Changes of the
 * visibility itself, and of the user's own membership, are seen if either side of the change lets them be seen.
 */
export const mayUserSee = ({ visibilityAt, membershipAt, joinedSince }: UserSight): boolean =>
  sides(visibilityAt).some(visibility =>
    sides(membershipAt).some(membership => maySee(visibility, membership, joinedSince)),
  )

const sides = <T>(at: { readonly before: T; readonly after?: T }): readonly T[] =>
  'after' in at ? [at.before, at.after as T] : [at.before]

const maySee = (
  visibility: HistoryVisibility,
  membership: string | undefined,
  joinedSince: boolean,
): boolean => {
  // 1. "If the history_visibility was set to world_readable, allow."
  if (visibility === 'world_readable') return true
  // 2. "If the user's membership was join, allow."
  if (membership === 'join') return true
  // 3. "If shared, and the user joined the room at any point after the event was sent, allow."
  if (visibility === 'shared' && joinedSince) return true
  // 4. "If the user's membership was invite, and the history_visibility was set to invited, allow."
  return membership === 'invite' && visibility === 'invited'
}

export interface ServerSight {
  readonly visibilityAt: VisibilityAt
  /** The memberships, at the event, of the server's users. For a user's own member event, those before and after. */
  readonly memberships: Iterable<string>
  /** Whether any user of the server joined the room at any point after the event was sent. */
  readonly joinedSince: boolean
}

/**
 * Whether a server may be given the whole of an event: if any of its users may see it. Others get it redacted, so that
 * the graph stays whole.
 */
export const mayServerSee = ({ visibilityAt, memberships, joinedSince }: ServerSight): boolean => {
  const places = new Set<string | undefined>(memberships)
  places.add(undefined)
  return [...places].some(before => mayUserSee({ visibilityAt, membershipAt: { before }, joinedSince }))
}
