import type { Reader } from '../../storage/database.ts'
import { PushRulesReader } from '../../storage/push/push-rules.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import { ThreadSubscriptionReader } from '../../storage/push/thread-subscriptions.ts'
import { type Answer, andThen } from '../answer.ts'
import type { NotificationCounter } from '../push/counter.ts'
import type { Push, PushServices } from '../push/index.ts'
import type { RoomUnread, UnreadCount } from '../push/room-unread.ts'
import type { UnreadCounts } from '../push/unread.ts'
import type { LateCounts } from './late-counts.ts'
import type { Follower, Notifier } from './notifier.ts'
import type { OtherStreams } from './room-sync.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'
import { TouchedUsers } from './touched-users.ts'

/** What push adds to `/sync`, and how it wakes who waits. */
export interface PushSources {
  readonly sources: readonly SyncSource[]
  readonly followers: readonly Follower[]
  readonly recounting: OtherStreams['recounting']
}

export const connectPush = ({
  push,
  db,
}: {
  push: Pick<Push, 'services' | 'unread'>
  db: Reader
}): PushSources => {
  const rules = new PushRulesStream(push.services.pushRules, push.unread, db)
  const unread = new UnreadStream(push.unread, db)
  const threads = new ThreadSubscriptionsFollower(db)
  const recounting = { receipts: unread, account_data: rules }
  return { sources: [rules, unread], followers: [rules, unread, threads], recounting }
}

/** The stream of events, as far as their notifications are counted. */
export interface CountedEvents {
  readonly follower: Follower
  wakeBy(notifier: Notifier): void
  /** Waits until all events that are committed now can be told: who has sent one finds it in the next response. */
  ready(notifier: Notifier): Answer<void>
}

/** Holds the stream of events back to where it is counted, so that an event and its counts are told together. */
export const eventsWithCounts = (parts: {
  readonly counter: Pick<NotificationCounter, 'horizon' | 'judged' | 'onJudged'>
  readonly db: Reader
  readonly watch: RoomWatch
  readonly late: Pick<LateCounts, 'due'>
}): CountedEvents => {
  const { counter, db, watch, late } = parts
  const followed = async (position: number, notifier: Notifier): Promise<void> => {
    await counter.judged(position)
    await notifier.catchUp()
  }
  return {
    follower: {
      stream: 'events',
      follow: async upTo => {
        const concerned = await watch.follow(Math.min(upTo, counter.horizon))
        for (const userId of late.due()) concerned.add(userId)
        return concerned
      },
    },
    wakeBy: notifier => counter.onJudged(() => void notifier.catchUp()),
    ready: notifier => {
      const position = db.position('events')
      if (watch.position < position) return followed(position, notifier)
    },
  }
}

/**
 * `m.push_rules`, part of the stream `account_data`; everybody has it, also who never changed a rule. And the counts of what is unread
 * where that may have become less by the user's ignoring somebody.
 */
class PushRulesStream implements SyncSource, Follower {
  readonly stream = 'account_data'
  readonly #rules: PushServices['pushRules']
  readonly #unread: UnreadCounts
  readonly #db: Reader
  readonly #read: PushRulesReader
  readonly #changes: TouchedUsers

  constructor(rules: PushServices['pushRules'], unread: UnreadCounts, db: Reader) {
    this.#rules = rules
    this.#unread = unread
    this.#db = db
    this.#read = new PushRulesReader(db)
    this.#changes = new TouchedUsers(db.position('account_data'))
  }

  position(): number {
    return this.#db.position('account_data')
  }

  follow(upTo: number): Answer<string[]> {
    return upTo <= this.#changes.followed ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<string[]> {
    const users = await this.#read.touched(this.#changes.followed, upTo)
    for (const userId of users) this.#unread.forgetUser(userId)
    this.#changes.follow(users, upTo)
    return users
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const { userId } = request.requester
    const isQuiet = after !== undefined && this.#changes.areWithout(userId, after, upTo)
    return isQuiet ? NO_NEWS : this.#changed(request, after)
  }

  async #changed({ requester: { userId }, filter }: SyncRequest, after: number | undefined): Promise<News> {
    const isTold =
      filter.accountData.matches({ type: 'm.push_rules' }) &&
      (after === undefined || ((await this.#read.ofUser(userId))?.position ?? 0) > after)
    const content = isTold && { global: await this.#rules.all(userId) }
    const texts = content === false ? [] : [JSON.stringify({ type: 'm.push_rules', content })]
    const hushed = after === undefined ? [] : await this.#hushedRooms(userId, after)
    return {
      ...(texts.length === 0 ? {} : { events: new Map([['account_data', texts]]) }),
      ...(hushed.length === 0
        ? {}
        : { rooms: new Map(hushed.filter(filter.matchesRoom).map(roomId => [roomId, {}])) }),
    }
  }

  rooms(userId: string, after: number, upTo: number): Answer<readonly string[]> {
    return this.#changes.areWithout(userId, after, upTo) ? [] : this.#hushedRooms(userId, after)
  }

  /** Where people whom the user has come to ignore have something taken back. */
  async #hushedRooms(userId: string, after: number): Promise<readonly string[]> {
    if ((await this.#read.ignoredAt(userId)) <= after) return []
    // This may not have been followed yet.
    this.#unread.forgetUser(userId)
    return this.#read.silentRooms(userId)
  }
}

/** Subscriptions to threads, of which sliding sync alone tells, are part of the stream `account_data`, too. */
class ThreadSubscriptionsFollower implements Follower {
  readonly stream = 'account_data'
  readonly #read: ThreadSubscriptionReader
  #followed: number

  constructor(db: Reader) {
    this.#read = new ThreadSubscriptionReader(db)
    this.#followed = db.position('account_data')
  }

  follow(upTo: number): Answer<string[]> {
    return upTo <= this.#followed ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<string[]> {
    const users = await this.#read.touched(this.#followed, upTo)
    this.#followed = upTo
    return users
  }
}

/** The counts of what is unread. They change with events, and with the user's own receipts. */
class UnreadStream implements SyncSource, Follower {
  readonly stream = 'receipts'
  readonly #unread: UnreadCounts
  readonly #db: Reader
  readonly #read: PushSourceReader
  readonly #readers: TouchedUsers

  constructor(unread: UnreadCounts, db: Reader) {
    this.#unread = unread
    this.#db = db
    this.#read = new PushSourceReader(db)
    this.#readers = new TouchedUsers(db.position('receipts'))
  }

  position(): number {
    return this.#db.position('receipts')
  }

  follow(upTo: number): Answer<string[]> {
    return upTo <= this.#readers.followed ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<string[]> {
    const users = await this.#read.readers(this.#readers.followed, upTo)
    this.#readers.follow(users, upTo)
    return users
  }

  news(
    { requester: { userId }, filter }: SyncRequest,
    after: number | undefined,
    upTo: number,
  ): Answer<News> {
    if (after === undefined) return NO_NEWS
    return andThen(this.rooms(userId, after, upTo), rooms =>
      rooms.length === 0
        ? NO_NEWS
        : { rooms: new Map(rooms.filter(filter.matchesRoom).map(roomId => [roomId, {}])) },
    )
  }

  rooms(userId: string, after: number, upTo: number): Answer<readonly string[]> {
    return this.#readers.areWithout(userId, after, upTo) ? [] : this.#read.receiptRooms(userId, after, upTo)
  }

  roomMembers({ requester: { userId }, filter }: SyncRequest, roomNid: number): Answer<string[]> {
    const isByThread = filter.timeline.unreadThreadNotifications
    const known = this.#unread.known(userId, roomNid)
    if (known !== undefined) return unreadMembers(known, isByThread)
    return this.#unread.ofRoom(userId, roomNid).then(unread => unreadMembers(unread, isByThread))
  }
}

const unreadMembers = ({ total, main, threads }: RoomUnread, isByThread: boolean): string[] =>
  isByThread
    ? [
        `"unread_notifications":${countText(main)}`,
        `"unread_thread_notifications":${JSON.stringify(Object.fromEntries(threads))}`,
      ]
    : [`"unread_notifications":${countText(total)}`]

const countText = ({ notification_count: notifications, highlight_count: highlights }: UnreadCount): string =>
  `{"notification_count":${notifications},"highlight_count":${highlights}}`
