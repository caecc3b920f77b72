import type { Clock } from '../../core/clock.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import type { Outcome } from '../../core/push-rules/actions.ts'
import { judgeAll } from '../../core/push-rules/compile.ts'
import type { Occasion } from '../../core/push-rules/conditions.ts'
import { PushEvent } from '../../core/push-rules/push-event.ts'
import { MAIN_TIMELINE } from '../../core/relations.ts'
import { ThreadSubscriptionReader } from '../../storage/push/thread-subscriptions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { type Alike, type EventNotices, type Notice, noticesOf } from './notices.ts'
import type { Audience, RoomAudiences } from './room-audience.ts'
import { threadOf } from './thread-of.ts'

const NOBODY: ReadonlySet<string> = new Set()

/** An event that has its place in a room's timeline. */
type PlacedEvent = StoredEvent & { readonly position: number }

/** Finds out whom an event notifies: at once, where who listens in its room is known. */
export class EventJudge {
  readonly #read: RoomReaders
  readonly #clock: Clock
  readonly #audiences: RoomAudiences
  readonly #subscriptions: ThreadSubscriptionReader

  constructor(parts: { context: RoomsContext; clock: Clock; audiences: RoomAudiences }) {
    this.#read = parts.context.read
    this.#clock = parts.clock
    this.#audiences = parts.audiences
    this.#subscriptions = new ThreadSubscriptionReader(parts.context.db)
  }

  /** Whom an event notifies; `undefined` if that is nobody. */
  judge(stored: StoredEvent, isForked: boolean): Answer<EventNotices | undefined> {
    if (!isPlaced(stored) || stored.redactedBy !== undefined) return undefined
    return andThen(this.#audiences.of(stored), audience => {
      const { members, groups } = audience
      // "Homeservers MUST NOT notify for events that the user has sent themselves."
      if (members.size === 0 || (members.size === 1 && members.has(stored.event.sender))) return undefined
      const asksForThread = groups.some(({ rules }) => rules.needsSubscriptions)
      return asksForThread
        ? this.#ofSubscribers(stored, audience, isForked)
        : this.#noticesOf(stored, audience, isForked)
    })
  }

  async #ofSubscribers(
    stored: PlacedEvent,
    audience: Audience,
    isForked: boolean,
  ): Promise<EventNotices | undefined> {
    const thread = await threadOf(this.#read, stored)
    const subscribers =
      thread === MAIN_TIMELINE ? undefined : await this.#subscriptions.subscribers(stored.roomNid, thread)
    return this.#noticesOf(stored, audience, isForked, subscribers)
  }

  #noticesOf(
    stored: PlacedEvent,
    audience: Audience,
    isForked: boolean,
    subscribers?: Occasion['subscribers'],
  ): Answer<EventNotices | undefined> {
    const { event, position, roomNid, nid } = stored
    const { memberCount, members, power, groups } = audience
    const judged = new PushEvent(clientEvent(event, { roomId: true }))
    const occasion = { event: judged, memberCount, power, subscribers }
    const noticeOf = noticesByOutcome()
    const alike: Alike[] = groups.flatMap(({ rules, groupId, listeners }) =>
      judgeAll(rules, occasion, listeners).map(({ people, outcome }) => {
        return { groupId, people, notice: outcome && noticeOf(outcome) }
      }),
    )
    if (alike.every(({ notice }) => notice === undefined)) return undefined
    const beside = together([threadOf(this.#read, stored), this.#silenced(stored, audience, isForked)])
    return andThen(beside, ([threadId, silenced]) => {
      const { sender } = event
      const what = { roomNid, position, eventNid: nid, threadId, ts: this.#clock.now(), sender, members }
      const notices = noticesOf(what, alike, silenced)
      return notices.groups.size + notices.exceptions.size === 0 ? undefined : notices
    })
  }

  /** Whom an event does not notify whatever it is. */
  #silenced(stored: StoredEvent, audience: Audience, isForked: boolean): Answer<ReadonlySet<string>> {
    const beside = together([
      this.#audiences.latecomers(audience, stored),
      isForked ? this.#audiences.blind(stored) : NOBODY,
    ])
    return andThen(beside, ([late, blind]) => {
      const { sender } = stored.event
      const ignoring = audience.groups.flatMap(one =>
        one.ignoring.filter(({ ignored }) => ignored.has(sender)),
      )
      if (late.size + blind.size + ignoring.length === 0) return NOBODY
      return new Set([...late, ...blind, ...ignoring.map(({ userId }) => userId)])
    })
  }
}

const isPlaced = (stored: StoredEvent): stored is PlacedEvent => stored.position !== undefined

/** Those of one rule are the same for everybody. */
const noticesByOutcome = (): ((outcome: Outcome) => Notice | undefined) => {
  const known = new Map<Outcome['actions'], Notice>()
  return ({ notify, highlight, actions }) => {
    if (!notify) return undefined
    const notice = known.get(actions) ?? { highlight, actions: JSON.stringify(actions) }
    known.set(actions, notice)
    return notice
  }
}
