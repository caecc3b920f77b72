import type { Clock } from '../../core/clock.ts'
import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import { stickyDuration } from '../../core/event/stickiness.ts'
import { serverNameOf } from '../../core/ids.ts'
import { MAIN_TIMELINE } from '../../core/relations.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { type NewReceipt, ReceiptWriter } from '../../storage/ephemeral/receipts.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { type EventNotices, noticeOf } from './notices.ts'
import { threadOf } from './thread-of.ts'
import type { UnreadCounts } from './unread.ts'

/** Threads of one room in which a user's receipts are remembered, as in `ephemeral/receipts.ts`. */
const MAX_THREADS = 500

/**
 * What nobody has said: where its user is, which a device tells again and again (MSC3672), and what the server ties loose ends with
 * in their name.
 */
const UNSAID: ReadonlySet<string> = new Set(['m.beacon', 'org.matrix.msc3672.beacon', DUMMY_TYPE])

/**
 * "When the user updates their read receipt (either by using the API or by sending an event), notifications prior to and
 * including that event MUST be marked as read" (module "Push", "Marking notifications as read"): whoever says something has read
 * what was there, in the thread that they say it in. Others do not hear of it: the receipt is a private one. Where nothing was
 * unread there is none. What they said long ago, for the server to send at its time (MSC4140), tells of no reading.
 */
export class OwnEvents {
  readonly #context: RoomsContext
  readonly #unread: Pick<UnreadCounts, 'known' | 'ofRoom'>
  readonly #clock: Clock
  readonly #write: ReceiptWriter

  constructor(parts: {
    context: RoomsContext
    unread: Pick<UnreadCounts, 'known' | 'ofRoom'>
    clock: Clock
  }) {
    this.#context = parts.context
    this.#unread = parts.unread
    this.#clock = parts.clock
    this.#write = new ReceiptWriter(parts.context.db)
  }

  /**
   * The receipts of those who sent these events.
   * @param notices whom the events notify, not stored yet
   */
  async receipts(events: readonly StoredEvent[], notices: readonly EventNotices[]): Promise<NewReceipt[]> {
    const found = new Map<string, NewReceipt | undefined>()
    // The last one counts.
    for (const stored of events.toReversed()) {
      const { event, roomNid, position } = stored
      const { type, sender: userId, eventId, stateKey, redacts } = event
      // To change the room, or take something back, is to say nothing; nor is what stands for a while as state does, such as
      // that somebody is still in a call.
      if (stateKey !== undefined || redacts !== undefined || UNSAID.has(type)) continue
      if (position === undefined || !this.#isLocal(userId) || stickyDuration(event) !== undefined) continue
      const thread = threadOf(this.#context.read, stored)
      const threadId = thread instanceof Promise ? await thread : thread
      const place = `${roomNid} ${threadId} ${userId}`
      if (found.has(place)) continue
      const { main, threads } =
        this.#unread.known(userId, roomNid) ?? (await this.#unread.ofRoom(userId, roomNid))
      const count = threadId === MAIN_TIMELINE ? main : threads.get(threadId)
      const hasUnread =
        (count?.notification_count ?? 0) > 0 ||
        notices.some(
          one => one.roomNid === roomNid && one.threadId === threadId && noticeOf(one, userId) !== undefined,
        )
      if (hasUnread && (await this.#context.read.delayedEvents.isOne(userId, eventId))) continue
      const receipt = (): NewReceipt => ({
        roomNid,
        userId,
        type: 'm.read.private',
        threadId,
        eventId,
        eventPosition: position,
        ts: this.#clock.now(),
      })
      found.set(place, hasUnread ? receipt() : undefined)
    }
    return [...found.values()].filter(receipt => receipt !== undefined)
  }

  /** What stores receipts. */
  statements(receipts: readonly NewReceipt[]): WriteStatement[] {
    if (receipts.length === 0) return []
    const ofThreads = receipts.filter(({ threadId }) => threadId !== MAIN_TIMELINE)
    return [
      this.#write.move(receipts),
      ...ofThreads.map(({ roomNid, userId, type }) =>
        this.#write.boundThreads(roomNid, userId, type, MAX_THREADS),
      ),
    ]
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#context.serverName
  }
}
