import { contentHashMatches } from '../../../core/event/signatures.ts'
import { stickyDuration } from '../../../core/event/stickiness.ts'
import {
  type HistoryVisibility,
  historyVisibilityOf,
  mayServerSee,
} from '../../../core/history-visibility.ts'
import type { ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../storage/rooms/index.ts'
import { type ErasedSenders, isErasedFor } from '../../rooms/erasures.ts'
import { membershipOf, type RoomHead } from '../../rooms/room-head.ts'
import { at, type Span, spans, visibilityAt } from '../../rooms/room-sight.ts'

/** Of events of a room, those that a server may be shown whole. */
export type ServerSight = (events: readonly StoredEvent[]) => Promise<ReadonlySet<StoredEvent>>

/**
 * What decides about the sight of a server that is in the room now (server-server API, "Backfilling …":
 * "subject to the room's history visibility"). What its users may not see it gets redacted, and
 * so what people have sent who wanted it erased before the server came.
 *
 * When its users came and went is read where it matters to one of the events: of a large server they are tens of thousands.
 */
export const serverSightOf = async (
  read: RoomReaders,
  members: ServerMembershipReader,
  roomNid: number,
  host: string,
  erased: ErasedSenders,
): Promise<ServerSight> => {
  const visibilities = await visibilitiesOf(read, roomNid)
  const isSeen = ({ position }: StoredEvent, byUser: readonly Span<string>[][]): boolean => {
    if (position === undefined) return true
    const before = visibilityAt(visibilities, position - 1)
    const after = visibilityAt(visibilities, position)
    const memberships = byUser.flatMap(user =>
      [at(user, position - 1) ?? [], at(user, position) ?? []].flat(),
    )
    return mayServerSee({ visibilityAt: { before, after }, memberships, joinedSince: true })
  }
  let loading: Promise<Span<string>[][]> | undefined
  return async events => {
    const isOpen = (stored: StoredEvent): boolean =>
      !isErasedFor(erased, stored.event, []) && isSeen(stored, [])
    if (events.every(isOpen)) return new Set(events)
    loading ??= membershipSpans(read, members, roomNid, host)
    const byUser = await loading
    const joinedFrom = byUser.flatMap(user =>
      user.filter(({ value }) => value === 'join').map(({ from }) => from),
    )
    const isShown = (stored: StoredEvent): boolean =>
      !isErasedFor(erased, stored.event, joinedFrom) && (isSeen(stored, []) || isSeen(stored, byUser))
    return new Set(events.filter(isShown))
  }
}

/**
 * Whether an event could not be verified and was kept without its content, so that what comes before it has a place
 * (`HistoryFetcher`). Who can verify it would take that for all there is to it, and never ask anybody for the rest.
 */
export const isHollow = ({ event, rejected }: StoredEvent): boolean =>
  rejected !== undefined && !contentHashMatches(event)

/**
 * Whether an event is of the room's present state, which whoever is in the room may have anyway (`/state`). Redacted, it would
 * make another room of it there: an access control list that says nothing lets nobody in.
 */
export const holdsIn = (head: RoomHead, { event: { type, stateKey, eventId } }: StoredEvent): boolean =>
  stateKey !== undefined && head.entry(type, stateKey)?.eventId === eventId

/**
 * "History visibility checks MUST NOT be applied to sticky events" (MSC4354): a server that was given one redacted would not
 * take it any more when it is pushed.
 */
export const stickyAmong = async (
  { sticky }: RoomReaders,
  events: readonly StoredEvent[],
  now: number,
): Promise<(stored: StoredEvent) => boolean> => {
  const nids = events.filter(({ event }) => stickyDuration(event) !== undefined).map(({ nid }) => nid)
  if (nids.length === 0) return () => false
  const expiry = await sticky.expiry(nids)
  return ({ nid }) => (expiry.get(nid) ?? 0) > now
}

/** Whether a room hides, or has ever hidden, anything from servers that are in it now. */
export const mayHideHistory = async (read: RoomReaders, roomNid: number): Promise<boolean> =>
  hidesAnything(await visibilitiesOf(read, roomNid))

const visibilitiesOf = (read: RoomReaders, roomNid: number): Promise<Span<HistoryVisibility>[]> =>
  spans(read, roomNid, 'm.room.history_visibility', '', stored => historyVisibilityOf(stored.event))

/** Somebody of that server is joined: only rooms that were once `invited` or `joined` hide anything from it. */
const hidesAnything = (visibilities: readonly Span<HistoryVisibility>[]): boolean =>
  visibilities.some(({ value }) => value === 'invited' || value === 'joined')

const membershipSpans = async (
  read: RoomReaders,
  members: ServerMembershipReader,
  roomNid: number,
  host: string,
): Promise<Span<string>[][]> => {
  const history = await members.history(roomNid, host)
  const events = new Map((await read.events.byNids(history.map(span => span.nid))).map(one => [one.nid, one]))
  const byUser = new Map<string, Span<string>[]>()
  for (const { userId, nid, from, to } of history) {
    const stored = events.get(nid)
    const value = stored && membershipOf(stored.event)
    if (value === undefined) continue
    const ofUser = byUser.get(userId) ?? []
    ofUser.push({ from, to, value })
    byUser.set(userId, ofUser)
  }
  return [...byUser.values()]
}
