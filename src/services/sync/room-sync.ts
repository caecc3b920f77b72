import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { Answer } from '../answer.ts'
import type { Metrics } from '../metrics/index.ts'
import type { RoomCore } from '../rooms/index.ts'
import { forgetRedacted, type LateRedactions } from '../rooms/late-redactions.ts'
import { Timelines } from '../rooms/timeline.ts'
import { AccountDataStream } from './account-data-stream.ts'
import { Invitations } from './invitations.ts'
import { SentMembers } from './lazy-members.ts'
import { type Follower, Notifier } from './notifier.ts'
import { PartialSpans } from './partial-spans.ts'
import { ProfileWatch } from './profile-watch.ts'
import { RemovedRoomsFollower } from './removed-rooms.ts'
import { RoomSections } from './room-section.ts'
import { RoomStates } from './room-state.ts'
import { RoomSummaries } from './room-summaries.ts'
import { RoomTimelines } from './room-timeline.ts'
import { RoomWatch } from './room-watch.ts'
import { RoomsStream } from './rooms-stream.ts'
import { SharedTimelines } from './shared-timeline.ts'
import { SpanMemo } from './span-memo.ts'
import { StickyStream } from './sticky-stream.ts'
import { Sync } from './sync.ts'
import { type StoredFilter, SyncFilters } from './sync-filters.ts'
import type { SyncSource } from './sync-source.ts'
import { UserStream } from './user-stream.ts'

/** `/sync` with what it waits by. */
export interface SyncServices {
  readonly sync: Sync
  readonly notifier: Notifier
}

/** What else may be built over the same streams. */
export interface SyncStreams {
  readonly watch: RoomWatch
  readonly notifier: Notifier
  readonly invites: UserStream
  readonly summaries: RoomSummaries
  readonly memo: SpanMemo
  readonly timelines: RoomTimelines
  readonly reader: SyncReader
  readonly sources: readonly SyncSource[]
  readonly partial: PartialSpans
  readonly profiles: ProfileWatch
  /** Waits until all events that are committed now can be told. */
  ready(): Answer<void>
  counted: OtherStreams['counted']
  readonly recounting: OtherStreams['recounting']
}

/** The streams beside rooms, invitations and account data, and how they are followed. */
export interface OtherStreams {
  readonly sources: readonly SyncSource[]
  readonly followers: readonly Follower[]
  /** Follows the stream of events, by `RoomWatch.follow`. */
  readonly events: Follower
  /** Hands over whom to tell of what is not in the database. */
  wakeBy(notifier: Notifier): void
  /** Waits until all events that are committed now can be told. */
  ready(notifier: Notifier): Answer<void>
  /**
   * Up to where counts of what is unread are right, for a user who looks and has been told of events up to `told`: they are woken
   * when more is counted of these. It is asked before the counts are.
   */
  counted(userId: string, told: number): number
  /** By what of the user's own their counts change: receipts, and whom they ignore. */
  readonly recounting: Readonly<Record<'receipts' | 'account_data', Recounting>>
}

/** A stream by which counts change without an event. */
export interface Recounting {
  position(): number
  /** The IDs of the rooms in which a user's counts may be others after one position up to another. */
  rooms(userId: string, after: number, upTo: number): Answer<readonly string[]>
}

/** What `/sync` is built over. */
export interface SyncGround {
  readonly core: RoomCore
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly storedFilter: StoredFilter
  readonly metrics?: Metrics['sync']
}

/** Builds `/sync` of rooms, and of whatever other streams there are. */
export const createRoomSync = (
  ground: SyncGround,
  connect: (watch: RoomWatch) => OtherStreams,
): SyncServices & { readonly streams: SyncStreams } => {
  const { database, clock, log } = ground
  const { read, erasures } = ground.core.context
  const { views, clientEvents } = ground.core
  const { sights } = views
  const reader = new SyncReader(database, read.news)
  const summaries = new RoomSummaries({ read, views: views.state })
  const partial = new PartialSpans(read.partial)
  const watch = new RoomWatch({ db: database, read, sync: reader, summaries, partial })
  const touches = new StreamTouches(database)
  const invites = new UserStream('invites', database, touches)
  const accountData = new UserStream('account_data', database, touches)
  const profiles = new ProfileWatch({ db: database, memberships: read.memberships, watch })
  const others = connect(watch)
  const removed = new RemovedRoomsFollower(read, watch, database.position('invites'))
  const followers = [others.events, removed, invites, accountData, profiles, ...others.followers]
  const notifier = new Notifier({ db: database, clock, log, followers })
  others.wakeBy(notifier)
  // A device that is removed while it waits, or whose user is locked, is not told what comes after that.
  ground.core.context.processes.bulletin.on('tokens', userId => notifier.end(String(userId)))
  const sources: readonly SyncSource[] = [
    new AccountDataStream({ read: new AccountDataReader(database), sync: reader, changes: accountData }),
    new StickyStream({ read, watch, clock }),
    ...others.sources,
  ]
  const sentMembers = new SentMembers()
  const memo = new SpanMemo({ pages: views.pages, state: views.state, news: read.news }, () => watch.position)
  // By what has come as history: the stream tells nothing of it.
  ground.core.context.processes.bulletin.on('redacted', content => {
    const late = content as LateRedactions
    forgetRedacted({ read }, late)
    memo.forget()
    summaries.forget(late.roomNid)
  })
  const timelines = new RoomTimelines(new Timelines(memo, sights), sights)
  const ready = (): Answer<void> => others.ready(notifier)
  const sections = new RoomSections({
    read,
    timelines,
    shared: new SharedTimelines({ timelines, memo, summaries, clientEvents, erasures, clock }),
    states: new RoomStates({ views: views.state, memo, summaries, sentMembers, moves: watch.moves }),
    summaries,
    memo,
    clientEvents,
    sources,
  })
  const sync = new Sync({
    db: ground.core.context.db,
    watch,
    notifier,
    rooms: new RoomsStream({ read, sync: reader, sights, sections, partial }),
    invitations: new Invitations(read, views.invitePolicies),
    invites,
    sources,
    filters: new SyncFilters(ground.storedFilter),
    ignoredUsers: views.ignoredUsers,
    sentMembers,
    maker: ground.core.context.processes.number,
    metrics: ground.metrics,
    ready,
  })
  const { counted, recounting } = others
  const streams = {
    ...{ watch, notifier, invites, summaries, memo, timelines, reader, sources, ready, partial },
    ...{ counted, recounting, profiles },
  }
  return { sync, notifier, streams }
}
