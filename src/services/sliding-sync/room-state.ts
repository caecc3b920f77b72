import { stateMapKey } from '../../core/event/event.ts'
import type { StateAt, StatePoint, StateViews } from '../../storage/rooms/state-views.ts'
import type { RoomSummaries } from '../sync/room-summaries.ts'
import type { RoomTimeline } from '../sync/room-timeline.ts'
import type { SpanMemo } from '../sync/span-memo.ts'
import type { RequiredState } from './required-state.ts'

/** Members that a connection remembers to have sent of a room; beyond that some are sent again. */
const MAX_MEMBERS = 500

/** What is asked of a room's state. */
export interface StateQuestion {
  readonly roomNid: number
  /** What the client has been told up to here; `undefined`: nothing. */
  readonly after: number | undefined
  readonly upTo: number
  readonly wanted: RequiredState
  /** What the client wanted before, where that was something else. */
  readonly hadWanted: RequiredState | undefined
  readonly timeline: RoomTimeline
  /** Member events that were sent, by user. */
  readonly members: ReadonlyMap<string, number>
}

export interface StateAnswer {
  readonly entries: readonly StateAt[]
  /** What is not set any more. */
  readonly ended: readonly StatePoint[]
  readonly members: ReadonlyMap<string, number>
}

/** Finds the state events that a room is sent with. */
export class RoomStateFinder {
  readonly #views: StateViews
  readonly #memo: SpanMemo
  readonly #summaries: RoomSummaries

  constructor(parts: { views: StateViews; memo: SpanMemo; summaries: RoomSummaries }) {
    this.#views = parts.views
    this.#memo = parts.memo
    this.#summaries = parts.summaries
  }

  async find(question: StateQuestion): Promise<StateAnswer> {
    const { roomNid, after, upTo, wanted, hadWanted, timeline } = question
    const found = new Map<string, StateAt>()
    const add = (entries: readonly StateAt[]): void => {
      for (const entry of entries) found.set(stateMapKey(entry.type, entry.stateKey), entry)
    }
    if (after === undefined) add(await this.#all(roomNid, wanted, upTo))
    else {
      if (hadWanted !== undefined) {
        const all = await this.#all(roomNid, wanted, upTo)
        add(all.filter(({ type, stateKey }) => !hadWanted.matches(type, stateKey)))
      }
      add(await this.#changes(question, after))
    }
    const ended = after === undefined ? [] : await this.#memo.ended(roomNid, after, upTo)
    const members = new Map(question.members)
    // Whether or not the client was told of it before: what has come and gone since, `#changes` tells.
    for (const { type, stateKey } of ended) {
      found.delete(stateMapKey(type, stateKey))
      if (type === MEMBER) members.delete(stateKey)
    }
    if (wanted.lazyMembers) {
      const known = new Set([...found.values()].filter(isMember).map(({ stateKey }) => stateKey))
      const lacking = [...shownIn(timeline)].filter(userId => !known.has(userId) && !members.has(userId))
      add(await this.#memo.members(roomNid, lacking, upTo))
      for (const { stateKey, nid } of [...found.values()].filter(isMember)) {
        members.delete(stateKey)
        members.set(stateKey, nid)
      }
    }
    for (const userId of members.keys()) {
      if (members.size <= MAX_MEMBERS) break
      members.delete(userId)
    }
    return { entries: [...found.values()], ended: stubsOf(question, ended), members }
  }

  async #all(roomNid: number, wanted: RequiredState, upTo: number): Promise<StateAt[]> {
    const others = wanted.anyType
      ? await this.#views.withoutMembers(roomNid, upTo)
      : await this.#views.ofTypes(roomNid, wanted.types, upTo)
    const members = !wanted.allMembers
      ? await this.#views.members(roomNid, wanted.memberKeys, upTo)
      : (await this.#summaries.isLarge(roomNid))
        ? await this.#views.allMembers(roomNid, upTo)
        : await this.#views.ofTypes(roomNid, [MEMBER], upTo)
    return [...others, ...members].filter(({ type, stateKey }) => wanted.matches(type, stateKey))
  }

  /** The latest change of each point: "all membership updates since the last sync when `limited` is false" among them. */
  async #changes(
    { roomNid, upTo, wanted, timeline, members }: StateQuestion,
    after: number,
  ): Promise<StateAt[]> {
    const changes = await this.#memo.changes(roomNid, after, upTo)
    return changes.filter(({ type, stateKey }) => {
      if (wanted.matches(type, stateKey)) return true
      if (!wanted.lazyMembers || type !== MEMBER) return false
      return !timeline.limited || members.has(stateKey)
    })
  }
}

const MEMBER = 'm.room.member'

const isMember = ({ type }: StateAt): boolean => type === MEMBER

/** "All the `senders` of events in `timeline`", and "the target of all membership events in `timeline`". */
const shownIn = ({ events }: RoomTimeline): Set<string> => {
  const users = new Set<string>()
  for (const { event } of events) {
    users.add(event.sender)
    if (event.type === 'm.room.member' && event.stateKey !== undefined) users.add(event.stateKey)
  }
  return users
}

/**
 * "To handle state being deleted", as where resolution leaves neither of two sides: of members that are loaded lazily, those that
 * the client was told of or is shown.
 */
const stubsOf = (
  { wanted, timeline, members }: StateQuestion,
  ended: readonly StatePoint[],
): readonly StatePoint[] => {
  const shown = wanted.lazyMembers ? shownIn(timeline) : new Set<string>()
  return ended.filter(
    ({ type, stateKey }) =>
      wanted.matches(type, stateKey) || (type === MEMBER && (members.has(stateKey) || shown.has(stateKey))),
  )
}
