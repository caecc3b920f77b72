import type { RoomEvent } from '../../../core/event/event.ts'
import { contentHashMatches } from '../../../core/event/signatures.ts'
import { stickyDuration } from '../../../core/event/stickiness.ts'
import {
  type HistoryVisibility,
  historyVisibilityOf,
  mayServerSee,
} from '../../../core/history-visibility.ts'
import { serverNameOf } from '../../../core/ids.ts'
import type { ForkedState, ServerMembershipReader } from '../../../storage/federation/server-memberships.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomReaders } from '../../../storage/rooms/index.ts'
import type { Membership } from '../../../storage/rooms/memberships.ts'
import { type ErasedSenders, isErasedFor } from '../../rooms/erasures.ts'
import { membershipOf, type RoomHead } from '../../rooms/room-head.ts'
import { at, type Span, spans, visibilityAt } from '../../rooms/room-sight.ts'

/** Of events of a room, those that a server may be shown whole. */
export type ServerSight = (events: readonly StoredEvent[]) => Promise<ReadonlySet<StoredEvent>>

/**
 * What decides about the sight of a server that is in the room now (server-server API, "Backfilling …":
 * "subject to the room's history visibility"): the state before each event, which on a fork, as above a gap, is another than
 * the timeline's. What its users may not see it gets redacted, and so what people have sent who wanted it erased before the
 * server came.
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
  let loading: Promise<Map<string, Span<Membership>[]>> | undefined
  return async events => {
    const nids = events.map(({ nid }) => nid)
    const forked = await withEvents(read, await members.forkedVisibilities(nids))
    const forks = new Map(forked.map(({ eventNid, event }) => [eventNid, historyVisibilityOf(event)]))
    const isSeen = (stored: StoredEvent, memberships: Iterable<string>): boolean => {
      const { nid, position, event } = stored
      if (position === undefined) return true
      const before = forks.get(nid) ?? visibilityAt(visibilities, position - 1)
      const after = isOwn(stored, 'm.room.history_visibility', '') ? historyVisibilityOf(event) : before
      return mayServerSee({ visibilityAt: { before, after }, memberships, joinedSince: true })
    }
    const isOpen = (stored: StoredEvent): boolean =>
      !isErasedFor(erased, stored.event, []) && isSeen(stored, [])
    if (events.every(isOpen)) return new Set(events)
    loading ??= membershipSpans(read, members, roomNid, host)
    const inTimeline = await loading
    const onForks = await forkedMembers(read, members, nids, host)
    const joinedFrom = [...inTimeline.values()].flatMap(user =>
      user.filter(({ value }) => value === 'join').map(({ from }) => from),
    )
    const isShown = (stored: StoredEvent): boolean => {
      const users = { host, inTimeline, onFork: onForks.get(stored.nid) }
      return (
        !isErasedFor(erased, stored.event, joinedFrom) &&
        (isSeen(stored, []) || isSeen(stored, membershipsAround(stored, users)))
      )
    }
    return new Set(events.filter(isShown))
  }
}

/** Whether a state event stands for itself in the state after it. */
const isOwn = ({ event, rejected }: StoredEvent, type: string, stateKey: string): boolean =>
  rejected === undefined && event.type === type && event.stateKey === stateKey

/**
 * What a server's users were in the state before an event, and one of them in the state after their own member event.
 *
 * @param users.inTimeline what they were in the timeline's state
 * @param users.onFork what they were instead in that before the event
 */
const membershipsAround = (
  stored: StoredEvent,
  users: {
    readonly host: string
    readonly inTimeline: ReadonlyMap<string, readonly Span<Membership>[]>
    readonly onFork: ReadonlyMap<string, Membership | undefined> | undefined
  },
): Membership[] => {
  const { position = 0, event } = stored
  const { inTimeline, onFork } = users
  const around = [...(onFork?.values() ?? [])]
  for (const [userId, spansOfUser] of inTimeline)
    if (onFork?.has(userId) !== true) around.push(at(spansOfUser, position - 1))
  const { stateKey = '' } = event
  if (serverNameOf(stateKey) === users.host && isOwn(stored, 'm.room.member', stateKey))
    around.push(membershipOf(event))
  return around.filter(membership => membership !== undefined)
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
): Promise<Map<string, Span<Membership>[]>> => {
  const history = await members.history(roomNid, host)
  const events = new Map((await read.events.byNids(history.map(span => span.nid))).map(one => [one.nid, one]))
  const byUser = new Map<string, Span<Membership>[]>()
  for (const { userId, nid, from, to } of history) {
    const stored = events.get(nid)
    const value = stored && membershipOf(stored.event)
    if (value === undefined) continue
    const ofUser = byUser.get(userId) ?? []
    ofUser.push({ from, to, value })
    byUser.set(userId, ofUser)
  }
  return byUser
}

/** For events on forks, by nid: what a server's users are in the states before them, other than in the timeline's. */
const forkedMembers = async (
  read: RoomReaders,
  members: ServerMembershipReader,
  nids: readonly number[],
  host: string,
): Promise<Map<number, Map<string, Membership | undefined>>> => {
  const byEvent = new Map<number, Map<string, Membership | undefined>>()
  for (const { eventNid, userId, event } of await withEvents(read, await members.forkedMembers(nids, host))) {
    const ofEvent = byEvent.get(eventNid) ?? new Map<string, Membership | undefined>()
    byEvent.set(eventNid, ofEvent.set(userId, event && membershipOf(event)))
  }
  return byEvent
}

/** Adds the events that are in the states before those on forks. */
const withEvents = async <T extends ForkedState>(
  { events }: RoomReaders,
  forked: readonly T[],
): Promise<(T & { event: RoomEvent | undefined })[]> => {
  const found = await events.byNids(forked.flatMap(({ stateNid }) => stateNid ?? []))
  const byNid = new Map(found.map(({ nid, event }) => [nid, event]))
  return forked.map(one => ({
    ...one,
    event: one.stateNid === undefined ? undefined : byNid.get(one.stateNid),
  }))
}
