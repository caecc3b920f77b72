import { MatrixError } from '../../core/errors.ts'
import { relationOf } from '../../core/relations.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { Database } from '../../storage/database.ts'
import {
  type ThreadOfUser,
  type ThreadSubscription,
  ThreadSubscriptionReader,
  ThreadSubscriptionWriter,
} from '../../storage/push/thread-subscriptions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { heldToken, type ImportedFrom } from '../held-token.ts'
import type { Requester } from '../requester.ts'
import type { UserPushRules } from './user-rules.ts'

/** Finds an event that the requester may see. Throws `M_NOT_FOUND`. */
export type VisibleEvent = (requester: Requester, roomId: string, eventId: string) => Promise<StoredEvent>

/** A thread of a room, by the ID of its root. */
export interface ThreadName {
  readonly roomId: string
  readonly threadId: string
}

type ByRoom<T> = Record<string, Record<string, T>>

/**
 * Changes of subscriptions, as clients see them (MSC4308), by room and thread. Both are there even where they are empty:
 * only sliding sync may omit them, and clients in use cannot read a page without them.
 */
export interface SubscriptionChanges {
  readonly subscribed: ByRoom<{ readonly automatic: boolean; readonly bump_stamp: number }>
  readonly unsubscribed: ByRoom<{ readonly bump_stamp: number }>
}

/** The newest changes of a stretch, and from where on there are older ones. */
export interface ChangesPage {
  readonly changes: SubscriptionChanges
  readonly isEmpty: boolean
  /** A token. */
  readonly older: string | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500
/** Threads that one user subscribes to. */
const MAX_THREADS = 20_000

/** Which threads users want to hear of (MSC4306), and what has changed about that (MSC4308). */
export class ThreadSubscriptions {
  readonly #db: Database
  readonly #read: ThreadSubscriptionReader
  readonly #write: ThreadSubscriptionWriter
  readonly #rules: UserPushRules
  readonly #visibleEvent: VisibleEvent

  constructor(parts: { db: Database; rules: UserPushRules; visibleEvent: VisibleEvent }) {
    this.#db = parts.db
    this.#read = new ThreadSubscriptionReader(parts.db)
    this.#write = new ThreadSubscriptionWriter(parts.db)
    this.#rules = parts.rules
    this.#visibleEvent = parts.visibleEvent
  }

  /**
   * Subscribes a user to a thread; from the first time on the push rules about that are theirs.
   *
   * @param cause the event because of which a client does so by itself; `undefined`: the user wants it
   * Throws `M_NOT_FOUND`, `M_USER_LIMIT_EXCEEDED`; of causes `M_NOT_IN_THREAD`, `M_CONFLICTING_UNSUBSCRIPTION`.
   */
  async subscribe(requester: Requester, name: ThreadName, cause: string | undefined): Promise<void> {
    const thread = await this.#thread(requester, name)
    const causedAt = cause === undefined ? undefined : await this.#positionOf(requester, name, cause)
    const before = await this.#read.one(thread)
    if (before === undefined && (await this.#isFull(requester.userId))) {
      throw new MatrixError('M_USER_LIMIT_EXCEEDED', 'You subscribe to too many threads')
    }
    if (causedAt !== undefined && isOver(before, causedAt)) throw conflict()
    const isThere = before?.isSubscribed === true && (causedAt !== undefined || !before.isAutomatic)
    if (!isThere) {
      const statement =
        causedAt === undefined ? this.#write.subscribe(thread) : this.#write.subscribeFor(thread, causedAt)
      await this.#db.commit({ statements: [statement] })
      // It may have been ended in that very moment.
      if (causedAt !== undefined && isOver(await this.#read.one(thread), causedAt)) throw conflict()
    }
    await this.#rules.followThreads(requester.userId)
  }

  /** Ends a subscription; one that is not there is no error. Throws `M_NOT_FOUND`: no such thread. */
  async unsubscribe(requester: Requester, name: ThreadName): Promise<void> {
    const thread = await this.#thread(requester, name)
    if ((await this.#read.one(thread))?.isSubscribed !== true) return
    await this.#db.commit({ statements: [this.#write.end(thread, this.#db.position('events'))] })
  }

  /** A subscription: whether it was made without being asked for. Throws `M_NOT_FOUND`. */
  async get(requester: Requester, name: ThreadName): Promise<{ automatic: boolean }> {
    const found = await this.#read.one(await this.#thread(requester, name))
    if (found?.isSubscribed !== true)
      throw new MatrixError('M_NOT_FOUND', 'You do not subscribe to this thread')
    return { automatic: found.isAutomatic }
  }

  /** Where the stream of changes stands. */
  get position(): number {
    return this.#db.position('account_data')
  }

  /** The newest changes of a stretch of positions. */
  async changes(userId: string, span: { after: number; upTo: number; limit: number }): Promise<ChangesPage> {
    const limit = Math.min(span.limit, MAX_LIMIT)
    const found = await this.#read.changed(userId, { ...span, limit: limit + 1 })
    const page = found.slice(0, limit)
    const oldest = page.at(-1)
    return {
      changes: grouped(page),
      isEmpty: page.length === 0,
      older:
        oldest !== undefined && found.length > limit
          ? formatStreamToken({ thread_subscriptions: oldest.position - 1 })
          : undefined,
    }
  }

  /**
   * `GET …/thread_subscriptions`: the same by tokens, of this endpoint or of sliding sync. Throws `M_INVALID_PARAM`.
   * @param from where to begin, going back; the present if not given
   * @param to where to end, what is before is known
   */
  async page(
    userId: string,
    {
      from,
      to,
      limit = DEFAULT_LIMIT,
    }: { from?: string | undefined; to?: string | undefined; limit?: number | undefined },
  ): Promise<SubscriptionChanges & { end?: string }> {
    if (limit < 1) throw new MatrixError('M_INVALID_PARAM', 'limit must be at least 1')
    const upTo =
      from === undefined
        ? this.position
        : positionOf('from', from, { db: this.#db, otherwise: this.position })
    const after = to === undefined ? 0 : positionOf('to', to, { db: this.#db, otherwise: 0 })
    const { changes, older } = await this.changes(userId, { after, upTo, limit })
    return { ...changes, ...(older === undefined ? {} : { end: older }) }
  }

  /** "If the thread does not exist, or if the user does not have access to it": what relates to another event has none. */
  async #thread(requester: Requester, { roomId, threadId }: ThreadName): Promise<ThreadOfUser> {
    const root = await this.#visibleEvent(requester, roomId, threadId)
    if (relationOf(root.event) !== undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such thread')
    return { userId: requester.userId, roomNid: root.roomNid, threadId }
  }

  /** Where an event of the thread stands. */
  async #positionOf(
    requester: Requester,
    { roomId, threadId }: ThreadName,
    eventId: string,
  ): Promise<number> {
    const event = await this.#visibleEvent(requester, roomId, eventId).catch(error => {
      if (error instanceof MatrixError) throw notInThread()
      throw error
    })
    const relation = relationOf(event.event)
    if (relation?.relType !== 'm.thread' || relation.parentId !== threadId) throw notInThread()
    return event.position ?? 0
  }

  /** Those that have ended make room. */
  async #isFull(userId: string): Promise<boolean> {
    if ((await this.#read.count(userId)) < MAX_THREADS) return false
    await this.#db.commit({ statements: [this.#write.dropEnded(userId)] })
    return (await this.#read.count(userId)) >= MAX_THREADS
  }
}

/** Whether a subscription has ended since an event came that would be a cause for it. */
const isOver = (found: ThreadSubscription | undefined, causedAt: number): boolean =>
  found !== undefined && !found.isSubscribed && found.endedAt >= causedAt

const conflict = (): MatrixError =>
  new MatrixError('IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', 'You have unsubscribed from this since')

const notInThread = (): MatrixError =>
  new MatrixError('IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'The event is not in this thread')

const positionOf = (
  name: string,
  text: string,
  { db, otherwise }: { db: ImportedFrom; otherwise: number },
): number => {
  const token = heldToken(text, db)
  if (token === undefined) throw new MatrixError('M_INVALID_PARAM', `${name} is not a token of this server`)
  return token.thread_subscriptions ?? otherwise
}

const grouped = (found: readonly ThreadSubscription[]): SubscriptionChanges => {
  const subscribed: ByRoom<{ automatic: boolean; bump_stamp: number }> = {}
  const unsubscribed: ByRoom<{ bump_stamp: number }> = {}
  for (const { roomId, threadId, isSubscribed, isAutomatic, position } of found) {
    if (isSubscribed) {
      subscribed[roomId] = {
        ...subscribed[roomId],
        [threadId]: { automatic: isAutomatic, bump_stamp: position },
      }
    } else unsubscribed[roomId] = { ...unsubscribed[roomId], [threadId]: { bump_stamp: position } }
  }
  return { subscribed, unsubscribed }
}
