import { stateMapKey } from '../../core/event/event.ts'
import type { StateAt, StatePoint, StateViews } from '../../storage/rooms/state-views.ts'
import type { Answer } from '../answer.ts'
import type { SentMembers } from './lazy-members.ts'
import type { MemberMoves } from './member-moves.ts'
import type { RoomSummaries } from './room-summaries.ts'
import type { RoomTimeline } from './room-timeline.ts'
import type { SpanMemo } from './span-memo.ts'
import { deviceOf, type EventSpan, type SyncRequest } from './sync-request.ts'

/** A room whose state is to be told beside its timeline. */
export interface StateNews {
  readonly roomNid: number
  readonly roomId: string
  readonly span: EventSpan
  /** The client does not have the room's state: tell all of it. */
  readonly whole: boolean
}

/** State points, each of them once. */
type Found = Pick<ReadonlyMap<string, StateAt>, 'values'>

const NONE: ReadonlyMap<string, StateAt> = new Map()

/** Finds what of rooms' states responses have to tell. */
export class RoomStates {
  readonly #views: StateViews
  readonly #memo: SpanMemo
  readonly #summaries: RoomSummaries
  readonly #sentMembers: SentMembers
  readonly #moves: Pick<MemberMoves, 'mayBeOf'>

  constructor(parts: {
    views: StateViews
    memo: SpanMemo
    summaries: RoomSummaries
    sentMembers: SentMembers
    moves: Pick<MemberMoves, 'mayBeOf'>
  }) {
    this.#views = parts.views
    this.#memo = parts.memo
    this.#summaries = parts.summaries
    this.#sentMembers = parts.sentMembers
    this.#moves = parts.moves
  }

  /**
   * The state events that go with a timeline, as far as their types pass the filter: all that the client cannot learn
   * from the timeline, or with `state_after` all that has changed.
   */
  async of(
    request: SyncRequest,
    news: StateNews,
    timeline: RoomTimeline,
    tellsSummary: boolean,
  ): Promise<StateAt[]> {
    const { state: filter } = request.filter
    if (filter.nothing || !filter.matchesRoom(news.roomId)) return []
    const { upTo } = news.span
    const first = timeline.events[0]?.position
    // "Between the time indicated by `since`, and the start of the timeline" or, with `state_after`, its end.
    const position = request.stateAfter !== false || first === undefined ? upTo : first - 1
    const found = news.whole
      ? await this.#whole(request, news, timeline, position)
      : await this.#changes(request, news.roomNid, news.span, timeline)
    const isWanted = ({ type }: StateAt): boolean => filter.matchesType(type)
    if (!filter.lazyLoadMembers || !filter.matchesType('m.room.member')) {
      return [...found.values()].filter(isWanted)
    }
    const members = await this.#lazyMembers(request, news, timeline, { found, position, tellsSummary })
    const others = [...found.values()].filter(entry => entry.type !== 'm.room.member' && isWanted(entry))
    return [...others, ...members]
  }

  /**
   * The same where nothing has changed of the room's state since the client's last response: the members who speak in the
   * timeline and whom the device does not know, where it loads them lazily.
   */
  introduced(
    request: SyncRequest,
    news: StateNews,
    timeline: RoomTimeline,
    senders: ReadonlySet<string>,
  ): Answer<readonly StateAt[]> {
    const { state: filter } = request.filter
    if (filter.nothing || !filter.lazyLoadMembers) return []
    if (!filter.matchesRoom(news.roomId) || !filter.matchesType('m.room.member')) return []
    for (const sender of senders) {
      if (!this.#isKnown(request, news.roomNid, news.whole, sender))
        return this.of(request, news, timeline, false)
    }
    this.#sentMembers.remember(deviceOf(request), news.roomNid, [], news.span.upTo)
    return []
  }

  /** All of the state at a position, with what has changed since and is not in the timeline (which is filtered). */
  async #whole(
    request: SyncRequest,
    { roomNid, span }: StateNews,
    timeline: RoomTimeline,
    position: number,
  ): Promise<Found> {
    const { state: filter } = request.filter
    const entries = filter.lazyLoadMembers
      ? await this.#views.withoutMembers(roomNid, position)
      : filter.exactTypes !== undefined
        ? await this.#views.ofTypes(roomNid, filter.exactTypes, position)
        : await this.#views.whole(roomNid, position, await this.#summaries.isLarge(roomNid))
    const since =
      position < span.upTo
        ? await this.#changes(request, roomNid, { after: position, upTo: span.upTo }, timeline)
        : NONE
    if (since.size === 0) return entries
    return new Map([...entries.map(entry => [keyOf(entry), entry] as const), ...since])
  }

  /** The latest change of each point in a span, without those that the timeline tells (unless all are wanted). */
  async #changes(
    request: SyncRequest,
    roomNid: number,
    { after = 0, upTo }: EventSpan,
    timeline: RoomTimeline,
  ): Promise<Map<string, StateAt>> {
    const shown = new Set(timeline.events.map(({ nid, position }) => `${nid} ${position}`))
    const latest = new Map<string, StateAt>()
    for (const change of await this.#memo.changes(roomNid, after, upTo)) {
      const isTold = shown.has(`${change.nid} ${change.position}`)
      if (request.stateAfter !== false || !isTold) latest.set(keyOf(change), change)
    }
    for (const place of await this.#memo.ended(roomNid, after, upTo)) latest.delete(keyOf(place))
    return latest
  }

  /**
   * "Servers will only return membership events for the `sender` of events in the timeline", but for the user's own
   * where all state is told, those of a room's heroes, and every change in a gap, "regardless as to whether or not they
   * are redundant". Whoever comes back into a room is told whose membership has changed since they were told of it.
   */
  async #lazyMembers(
    request: SyncRequest,
    { roomNid, span, whole }: StateNews,
    timeline: RoomTimeline,
    state: { found: Found; position: number; tellsSummary: boolean },
  ): Promise<StateAt[]> {
    const { userId } = request.requester
    const device = deviceOf(request)
    const wanted = sendersToIntroduce(request, timeline)
    if (whole) {
      wanted.add(userId)
      for (const other of await this.#outdated(device, roomNid, state)) wanted.add(other)
    }
    if (state.tellsSummary) for (const hero of await this.#summaries.heroes(roomNid, userId)) wanted.add(hero)
    const changed = [...state.found.values()].filter(
      entry => entry.type === 'm.room.member' && (!whole || wanted.has(entry.stateKey)),
    )
    for (const entry of changed) wanted.delete(entry.stateKey)
    for (const other of wanted) if (this.#isKnown(request, roomNid, whole, other)) wanted.delete(other)
    const others = await this.#memo.members(roomNid, [...wanted], state.position)
    const fresh = others.filter(({ stateKey, nid }) => {
      if (whole || request.since === undefined || request.filter.state.includeRedundantMembers) return true
      return !this.#sentMembers.has(device, roomNid, { userId: stateKey, nid }, request.since)
    })
    const told = [...changed, ...fresh].map(({ stateKey, nid }) => ({ userId: stateKey, nid }))
    // The last one of each counts: `state` comes before the timeline, `state_after` behind it.
    const inTimeline = membersIn(timeline)
    const inOrder = request.stateAfter === false ? [...told, ...inTimeline] : [...inTimeline, ...told]
    if (whole) this.#sentMembers.doubtRoom(device, roomNid)
    this.#sentMembers.remember(device, roomNid, inOrder, span.upTo)
    return [...changed, ...fresh]
  }

  /** Of whom a device was sent another member event than holds at a position, or than has come since, unseen in the timeline. */
  async #outdated(
    device: string,
    roomNid: number,
    { found, position }: { found: Found; position: number },
  ): Promise<string[]> {
    const sent = this.#sentMembers.ofRoom(device, roomNid)
    if (sent.size === 0) return []
    const unseen = [...found.values()].filter(
      ({ type, stateKey }) => type === 'm.room.member' && sent.has(stateKey),
    )
    const members = [...(await this.#memo.members(roomNid, [...sent.keys()], position)), ...unseen]
    const now = new Map(members.map(({ stateKey, nid }) => [stateKey, nid]))
    return [...now].flatMap(([userId, nid]) => (sent.get(userId) === nid ? [] : userId))
  }

  /** Whether the device has a member's event, and no membership of the room has changed since it got it. */
  #isKnown(request: SyncRequest, roomNid: number, whole: boolean, userId: string): boolean {
    if (whole || request.since === undefined || request.filter.state.includeRedundantMembers) return false
    const toldAt = this.#sentMembers.toldAt(deviceOf(request), roomNid, userId, request.since)
    return toldAt !== undefined && !this.#moves.mayBeOf(roomNid, toldAt)
  }
}

const keyOf = ({ type, stateKey }: StatePoint): string => stateMapKey(type, stateKey)

/** The senders in a timeline, but for those of whom it tells itself before they first send something. */
const sendersToIntroduce = (request: SyncRequest, timeline: RoomTimeline): Set<string> => {
  const introduced = new Set<string>()
  const wanted = new Set<string>()
  for (const { event } of timeline.events) {
    if (request.stateAfter === false && event.type === 'm.room.member') introduced.add(event.stateKey ?? '')
    if (!introduced.has(event.sender)) wanted.add(event.sender)
  }
  return wanted
}

const membersIn = ({ events }: RoomTimeline): { userId: string; nid: number }[] =>
  events.flatMap(({ event, nid }) =>
    event.type === 'm.room.member' && event.stateKey !== undefined ? [{ userId: event.stateKey, nid }] : [],
  )
