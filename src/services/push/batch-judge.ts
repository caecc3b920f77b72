import type { Clock } from '../../core/clock.ts'
import { NotServing } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { RoomPlace } from '../../storage/push/push-action.ts'
import { PushActionWriter } from '../../storage/push/push-action-writer.ts'
import { PushSourceReader, type Reading } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { EventJudge } from './event-judge.ts'
import { GroupLedger } from './group-ledger.ts'
import { type EventNotices, storedActions } from './notices.ts'
import { OwnEvents } from './own-events.ts'
import { RoomAudiences } from './room-audience.ts'
import type { RuleBook } from './rule-book.ts'
import { type Cleared, type Hidden, Undoing } from './undoing.ts'
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

/** What no longer notifies those whom it had notified. */
interface TakenBack extends Pick<Judged, 'cleared' | 'relieved' | 'undoneIn'> {
  readonly undone: readonly RoomPlace[]
  readonly unseen: Hidden['unseen']
}

const NOTHING_BACK: TakenBack = { undone: [], unseen: [], cleared: [], relieved: NOBODY, undoneIn: [] }

/** Judges events by the push rules of the local users in their rooms, batch by batch. */
export class BatchJudge {
  readonly #context: RoomsContext
  readonly #log: Log
  readonly #rules: RuleBook
  readonly #audiences: RoomAudiences
  readonly #events: EventJudge
  readonly #source: PushSourceReader
  readonly #undoing: Undoing
  readonly #ownEvents: OwnEvents
  readonly #write: PushActionWriter
  readonly #ledger: GroupLedger
  /** The event for which the database has failed last, and how often in a row. */
  #unread = { nid: 0, times: 0 }

  constructor(parts: JudgeParts) {
    const { db } = parts.context
    this.#context = parts.context
    this.#log = parts.log
    this.#rules = parts.rules
    this.#audiences = new RoomAudiences(parts)
    this.#events = new EventJudge({ ...parts, audiences: this.#audiences })
    this.#source = new PushSourceReader(db, parts.context.read.news)
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
    const events = (await read.events.byNids([...positions.keys()])).map(stored => {
      const position = positions.get(stored.nid)
      return stored.position === position ? stored : { ...stored, position }
    })
    const roomNids = [...new Set(events.map(({ roomNid }) => roomNid))]
    // Nearly always: then nobody has come or gone, and nothing was taken back.
    const isPlain = read.news.isKnownPlain(after, upTo)
    if (!isPlain && roomNids.length > 0) {
      this.#audiences.forget(await this.#source.changedRooms(roomNids, after, upTo))
    }
    this.#ledger.nextStep()
    const notices: EventNotices[] = []
    const moves: WriteStatement[] = []
    for (const stored of events) {
      const judged = this.#judgeSafely(stored, forked.has(stored.nid))
      const one = judged instanceof Promise ? await judged : judged
      if (one === undefined) continue
      notices.push(one)
      if (one.groups.size === 0) continue
      const moved = this.#ledger.move(one, one.members, settled)
      moves.push(...(moved instanceof Promise ? await moved : moved))
    }
    const { undone, unseen, cleared, relieved, undoneIn } = isPlain
      ? NOTHING_BACK
      : await this.#takenBack(events, roomNids, { after, upTo })
    const readings = await this.#ownEvents.receipts(events, notices)
    const { groups, own } = storedActions(notices)
    const statements = [
      ...moves,
      ...this.#write.insertOfGroups(groups),
      ...this.#write.insert(own),
      ...this.#write.undo(undone),
      ...this.#write.hide(unseen),
      ...this.#write.clear(cleared),
      ...this.#ownEvents.statements(readings),
    ]
    const touched = [...notices, ...cleared].map(({ roomNid }) => roomNid)
    const rooms = [...new Set([...touched, ...undoneIn])]
    return { upTo, notices, readings, undoneIn, cleared, relieved, rooms, statements }
  }

  /** What some events take back of earlier ones, and all else that has happened in their span. */
  async #takenBack(
    events: readonly StoredEvent[],
    roomNids: readonly number[],
    { after, upTo }: { readonly after: number; readonly upTo: number },
  ): Promise<TakenBack> {
    const redactions = events.filter(({ event }) => event.redacts !== undefined || asksForRedaction(event))
    const { places, unseen, roomNids: hiddenIn } = await this.#undoing.hidden(after, upTo)
    const undone = [...(await this.#undoing.redacted(redactions)), ...places]
    const relieved = await this.#listenersAt(redactions)
    for (const { userId } of unseen) relieved.add(userId)
    const cleared = await this.#undoing.cleared(roomNids, after, upTo)
    for (const { userId, isThere } of cleared) if (!isThere) relieved.add(userId)
    const undoneIn = [...redactions.map(({ roomNid }) => roomNid), ...hiddenIn]
    return { undone, unseen, cleared, relieved, undoneIn }
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
  #judgeSafely(stored: StoredEvent, isForked: boolean): Answer<EventNotices | undefined> {
    try {
      const judged = this.#events.judge(stored, isForked)
      return judged instanceof Promise ? judged.catch(error => this.#unjudged(stored, error)) : judged
    } catch (error) {
      return this.#unjudged(stored, error)
    }
  }

  #unjudged(stored: StoredEvent, error: unknown): undefined {
    if (error instanceof NotServing && this.#mayBeRead(stored)) throw error
    this.#log.error({ err: error, event: stored.event.eventId }, 'an event could not be judged by push rules')
  }

  /** Whether the database, which has failed for an event, is to be asked again for it. */
  #mayBeRead({ nid }: StoredEvent): boolean {
    const times = this.#unread.nid === nid ? this.#unread.times + 1 : 1
    this.#unread = { nid, times }
    return times < MAX_TRIES
  }
}
