import type { Clock } from '../../core/clock.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import type { Log } from '../../core/log.ts'
import type { Outcome } from '../../core/push-rules/actions.ts'
import { judge } from '../../core/push-rules/compile.ts'
import { PushEvent } from '../../core/push-rules/push-event.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { PushActionWriter } from '../../storage/push/push-action-writer.ts'
import type { PushAction } from '../../storage/push/push-actions.ts'
import { PushSourceReader, type Reading } from '../../storage/push/push-source.ts'
import { ThreadSubscriptionReader } from '../../storage/push/thread-subscriptions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { OwnEvents } from './own-events.ts'
import { RoomAudiences } from './room-audience.ts'
import type { RuleBook } from './rule-book.ts'
import { MAIN_TIMELINE, threadOf } from './thread-of.ts'
import { Undoing } from './undoing.ts'
import type { UnreadCounts } from './unread.ts'

/** So many events are judged in one step. */
export const BATCH = 200

const NOBODY: ReadonlySet<string> = new Set()

/** What some events come to. */
export interface Judged {
  /** The position up to which they were looked at. */
  readonly upTo: number
  /** Whom they notify. */
  readonly actions: readonly PushAction[]
  /** What those who sent them have read by that. */
  readonly readings: readonly Reading[]
  /** Rooms in which events were redacted, or judged anew, by their nids; what these had notified of is undone. */
  readonly undoneIn: readonly number[]
  /** Who has come into a room or left it: what was there before does not count for them. */
  readonly cleared: Awaited<ReturnType<Undoing['cleared']>>
  /** Rooms, by their nids, in which any count may be another one. */
  readonly rooms: readonly number[]
  /** Store all of this; none where there is nothing to store. */
  readonly statements: readonly WriteStatement[]
}

/** Judges events by the push rules of the local users in their rooms, batch by batch. */
export class BatchJudge {
  readonly #context: RoomsContext
  readonly #clock: Clock
  readonly #log: Log
  readonly #rules: RuleBook
  readonly #audiences: RoomAudiences
  readonly #source: PushSourceReader
  readonly #subscriptions: ThreadSubscriptionReader
  readonly #undoing: Undoing
  readonly #ownEvents: OwnEvents
  readonly #write: PushActionWriter

  constructor(parts: {
    context: RoomsContext
    sights: Sights
    rules: RuleBook
    unread: UnreadCounts
    log: Log
    clock: Clock
    crowd?: number | undefined
  }) {
    const { db } = parts.context
    this.#context = parts.context
    this.#clock = parts.clock
    this.#log = parts.log
    this.#rules = parts.rules
    this.#audiences = new RoomAudiences(parts)
    this.#source = new PushSourceReader(db, parts.context.read.news)
    this.#subscriptions = new ThreadSubscriptionReader(db)
    this.#undoing = new Undoing(parts.context, this.#source, this.#audiences)
    this.#ownEvents = new OwnEvents(parts)
    this.#write = new PushActionWriter(db, parts.crowd)
  }

  /** Judges the next events after a position of the stream `events`. Stores nothing. */
  async after(after: number): Promise<Judged> {
    const { db, read } = this.#context
    const now = db.position('events')
    const rows = await this.#source.events(after, now, BATCH)
    const upTo = rows.length < BATCH ? now : (rows.at(-1)?.position ?? now)
    await this.#rules.refresh()
    const positions = new Map(rows.map(({ nid, position }) => [nid, position]))
    const forked = new Set(rows.flatMap(row => (row.forked ? row.nid : [])))
    // An event that was stored a moment ago may still be cached without its position.
    const events = (await read.events.byNids([...positions.keys()])).map(stored => ({
      ...stored,
      position: positions.get(stored.nid),
    }))
    const roomNids = [...new Set(events.map(({ roomNid }) => roomNid))]
    if (roomNids.length > 0) {
      this.#audiences.forget(await this.#source.changedRooms(roomNids, after, upTo))
    }
    const actions: PushAction[] = []
    for (const stored of events) actions.push(...(await this.#judgeSafely(stored, forked.has(stored.nid))))
    const redactions = events.filter(({ event }) => event.redacts !== undefined)
    const hidden = await this.#undoing.hidden(after, upTo)
    const undone = [...(await this.#undoing.redacted(redactions)), ...hidden.positions]
    const cleared = await this.#undoing.cleared(roomNids, after, upTo)
    const readings = await this.#ownEvents.receipts(events, actions)
    const statements = [
      ...this.#write.insert(actions),
      ...this.#write.undo(undone),
      ...this.#write.hide(hidden.unseen),
      ...this.#write.clear(cleared),
      ...this.#ownEvents.statements(readings),
    ]
    const touched = [...actions, ...cleared].map(({ roomNid }) => roomNid)
    const undoneIn = [...redactions.map(({ roomNid }) => roomNid), ...hidden.roomNids]
    const rooms = [...new Set([...touched, ...undoneIn])]
    return { upTo, actions, readings, undoneIn, cleared, rooms, statements }
  }

  /** An event that cannot be judged must not keep all others from being told. */
  async #judgeSafely(stored: StoredEvent, isForked: boolean): Promise<PushAction[]> {
    try {
      return await this.#judge(stored, isForked)
    } catch (error) {
      this.#log.error(
        { err: error, event: stored.event.eventId },
        'an event could not be judged by push rules',
      )
      return []
    }
  }

  async #judge(stored: StoredEvent, isForked: boolean): Promise<PushAction[]> {
    const { event, position, roomNid, nid } = stored
    if (position === undefined || stored.redactedBy !== undefined) return []
    const listening = this.#audiences.of(stored)
    const audience = listening instanceof Promise ? await listening : listening
    // "Homeservers MUST NOT notify for events that the user has sent themselves."
    const isHeard = audience.groups.some(({ listeners }) =>
      listeners.some(({ userId }) => userId !== event.sender),
    )
    if (!isHeard) return []
    const latecomers = this.#audiences.latecomers(audience, stored)
    const late = latecomers instanceof Promise ? await latecomers : latecomers
    const blind = isForked ? await this.#audiences.blind(stored) : NOBODY
    const { memberCount, power } = audience
    const { read } = this.#context
    const asksForThread = audience.groups.some(({ rules }) => rules.needsSubscriptions)
    const thread = asksForThread ? await threadOf(read, stored) : MAIN_TIMELINE
    const subscribers =
      thread === MAIN_TIMELINE ? undefined : await this.#subscriptions.subscribers(roomNid, thread)
    const occasion = {
      ...{ event: new PushEvent(clientEvent(event, { roomId: true })), memberCount, power, subscribers },
    }
    const ts = this.#clock.now()
    const found: Pick<PushAction, 'userId' | 'highlight' | 'actions'>[] = []
    // Those of one rule are the same for everybody.
    const texts = new Map<Outcome['actions'], string>()
    const textOf = (actions: Outcome['actions']): string => {
      const text = texts.get(actions) ?? JSON.stringify(actions)
      texts.set(actions, text)
      return text
    }
    for (const { rules, listeners } of audience.groups) {
      judge(rules, occasion, listeners, ({ userId, ignored }, { notify, highlight, actions }) => {
        if (!notify || userId === event.sender || ignored.has(event.sender)) return
        if (late.has(userId) || blind.has(userId)) return
        found.push({ userId, highlight, actions: textOf(actions) })
      })
    }
    if (found.length === 0) return []
    const threadId = asksForThread ? thread : await threadOf(read, stored)
    const shared = { roomNid, position, eventNid: nid, threadId, ts }
    return found.map(one => ({ ...one, ...shared }))
  }
}
