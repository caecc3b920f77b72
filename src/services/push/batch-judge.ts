import type { Clock } from '../../core/clock.ts'
import { NotServing } from '../../core/errors.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import type { Log } from '../../core/log.ts'
import type { Outcome } from '../../core/push-rules/actions.ts'
import { judgeAll } from '../../core/push-rules/compile.ts'
import { PushEvent } from '../../core/push-rules/push-event.ts'
import { MAIN_TIMELINE } from '../../core/relations.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { PushActionWriter } from '../../storage/push/push-action-writer.ts'
import { PushSourceReader, type Reading } from '../../storage/push/push-source.ts'
import { ThreadSubscriptionReader } from '../../storage/push/thread-subscriptions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { GroupLedger } from './group-ledger.ts'
import { type Alike, type EventNotices, type Notice, noticesOf, storedActions } from './notices.ts'
import { OwnEvents } from './own-events.ts'
import { type Audience, RoomAudiences } from './room-audience.ts'
import type { RuleBook } from './rule-book.ts'
import { threadOf } from './thread-of.ts'
import { type Cleared, Undoing } from './undoing.ts'
import type { UnreadCounts } from './unread.ts'

/** So many events are judged in one step. */
export const BATCH = 200

/** Of an event of which the database cannot read something so often, while it reads other things, it never can. */
const MAX_TRIES = 10

const NOBODY: ReadonlySet<string> = new Set()

/** What events are judged with. */
export interface JudgeParts {
  readonly context: RoomsContext
  readonly sights: Sights
  readonly rules: RuleBook
  readonly unread: UnreadCounts
  readonly log: Log
  readonly clock: Clock
}

/** What some events come to. */
export interface Judged {
  /** The position up to which they were looked at. */
  readonly upTo: number
  /** Whom they notify. */
  readonly notices: readonly EventNotices[]
  /** What those who sent them have read by that. */
  readonly readings: readonly Reading[]
  /** Rooms in which events were redacted, or judged anew, by their nids; what these had notified of is undone. */
  readonly undoneIn: readonly number[]
  /** Who has come into a room or left it: what was there before does not count for them. */
  readonly cleared: readonly Cleared[]
  /** Who may have less to read: of rooms in which something was redacted, and who has left one. */
  readonly relieved: ReadonlySet<string>
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
  readonly #ledger: GroupLedger
  /** The event for which the database has failed last, and how often in a row. */
  #unread = { nid: 0, times: 0 }

  constructor(parts: JudgeParts) {
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
    this.#write = new PushActionWriter(db)
    this.#ledger = new GroupLedger(db)
  }

  /** What was judged and not stored yet never will be, or another process has judged since. */
  forget(): void {
    this.#ledger.forget()
    this.#audiences.forgetAll()
  }

  /**
   * Judges the next events after a position of the stream `events`. Stores nothing. Throws `NotServing`, to be asked again.
   * @param settled resolves when what was judged before is stored, or will not be
   */
  async after(after: number, settled: () => Promise<void>): Promise<Judged> {
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
    this.#ledger.nextStep()
    const notices: EventNotices[] = []
    const moves: WriteStatement[] = []
    for (const stored of events) {
      const one = await this.#judgeSafely(stored, forked.has(stored.nid))
      if (one === undefined) continue
      notices.push(one)
      if (one.groups.size > 0) moves.push(...(await this.#ledger.move(one, one.members, settled)))
    }
    const redactions = events.filter(({ event }) => event.redacts !== undefined || asksForRedaction(event))
    const hidden = await this.#undoing.hidden(after, upTo)
    const undone = [...(await this.#undoing.redacted(redactions)), ...hidden.places]
    const relieved = await this.#listenersAt(redactions)
    for (const { userId } of hidden.unseen) relieved.add(userId)
    const cleared = await this.#undoing.cleared(roomNids, after, upTo)
    for (const { userId, isThere } of cleared) if (!isThere) relieved.add(userId)
    const readings = await this.#ownEvents.receipts(events, notices)
    const { groups, own } = storedActions(notices)
    const statements = [
      ...moves,
      ...this.#write.insertOfGroups(groups),
      ...this.#write.insert(own),
      ...this.#write.undo(undone),
      ...this.#write.hide(hidden.unseen),
      ...this.#write.clear(cleared),
      ...this.#ownEvents.statements(readings),
    ]
    const touched = [...notices, ...cleared].map(({ roomNid }) => roomNid)
    const undoneIn = [...redactions.map(({ roomNid }) => roomNid), ...hidden.roomNids]
    const rooms = [...new Set([...touched, ...undoneIn])]
    return { upTo, notices, readings, undoneIn, cleared, relieved, rooms, statements }
  }

  /** Who is in the rooms of some events. */
  async #listenersAt(events: readonly StoredEvent[]): Promise<Set<string>> {
    const found = new Set<string>()
    for (const [, [stored]] of Map.groupBy(events, ({ roomNid }) => roomNid))
      if (stored !== undefined)
        for (const userId of (await this.#audiences.of(stored)).members.keys()) found.add(userId)
    return found
  }

  /** An event that cannot be judged must not keep all others from being told; one that cannot be judged just now is judged later. */
  async #judgeSafely(stored: StoredEvent, isForked: boolean): Promise<EventNotices | undefined> {
    try {
      return await this.#judge(stored, isForked)
    } catch (error) {
      if (error instanceof NotServing && this.#mayBeRead(stored)) throw error
      this.#log.error(
        { err: error, event: stored.event.eventId },
        'an event could not be judged by push rules',
      )
      return undefined
    }
  }

  /** Whether the database, which has failed for an event, is to be asked again for it. */
  #mayBeRead({ nid }: StoredEvent): boolean {
    const times = this.#unread.nid === nid ? this.#unread.times + 1 : 1
    this.#unread = { nid, times }
    return times < MAX_TRIES
  }

  async #judge(stored: StoredEvent, isForked: boolean): Promise<EventNotices | undefined> {
    const { event, position, roomNid, nid } = stored
    if (position === undefined || stored.redactedBy !== undefined) return undefined
    const listening = this.#audiences.of(stored)
    const audience = listening instanceof Promise ? await listening : listening
    const { memberCount, members, power, groups } = audience
    // "Homeservers MUST NOT notify for events that the user has sent themselves."
    if (members.size === 0 || (members.size === 1 && members.has(event.sender))) return undefined
    const { read } = this.#context
    const asksForThread = groups.some(({ rules }) => rules.needsSubscriptions)
    const thread = asksForThread ? await threadOf(read, stored) : MAIN_TIMELINE
    const subscribers =
      thread === MAIN_TIMELINE ? undefined : await this.#subscriptions.subscribers(roomNid, thread)
    const occasion = {
      ...{ event: new PushEvent(clientEvent(event, { roomId: true })), memberCount, power, subscribers },
    }
    const noticeOf = noticesByOutcome()
    const alike: Alike[] = groups.flatMap(({ rules, groupId, listeners }) =>
      judgeAll(rules, occasion, listeners).map(({ people, outcome }) => {
        return { groupId, people, notice: outcome && noticeOf(outcome) }
      }),
    )
    if (alike.every(({ notice }) => notice === undefined)) return undefined
    const threadId = asksForThread ? thread : await threadOf(read, stored)
    const what = { roomNid, position, eventNid: nid, threadId, ts: this.#clock.now(), sender: event.sender }
    const notices = noticesOf({ ...what, members }, alike, await this.#silenced(stored, audience, isForked))
    return notices.groups.size + notices.exceptions.size === 0 ? undefined : notices
  }

  /** Whom an event does not notify whatever it is. */
  async #silenced(stored: StoredEvent, audience: Audience, isForked: boolean): Promise<ReadonlySet<string>> {
    const latecomers = this.#audiences.latecomers(audience, stored)
    const late = latecomers instanceof Promise ? await latecomers : latecomers
    const blind = isForked ? await this.#audiences.blind(stored) : NOBODY
    const { sender } = stored.event
    const ignoring = audience.groups.flatMap(one => one.ignoring.filter(({ ignored }) => ignored.has(sender)))
    if (late.size + blind.size + ignoring.length === 0) return NOBODY
    return new Set([...late, ...blind, ...ignoring.map(({ userId }) => userId)])
  }
}

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
