import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { Encryption } from '../encryption/index.ts'
import type { Ephemeral } from '../ephemeral/index.ts'
import type { Metrics } from '../metrics.ts'
import type { Push } from '../push/index.ts'
import type { RoomCore } from '../rooms/index.ts'
import { Timelines } from '../rooms/timeline.ts'
import { AccountDataStream } from './account-data-stream.ts'
import { connectEncryption } from './encryption-sources.ts'
import { connectEphemeral } from './ephemeral-streams.ts'
import { Invitations } from './invitations.ts'
import { SentMembers } from './lazy-members.ts'
import { Notifier } from './notifier.ts'
import { connectPush, eventsWithCounts } from './push-sources.ts'
import { RoomSections } from './room-section.ts'
import { RoomStates } from './room-state.ts'
import { RoomSummaries } from './room-summaries.ts'
import { RoomTimelines } from './room-timeline.ts'
import { RoomWatch } from './room-watch.ts'
import { RoomsStream } from './rooms-stream.ts'
import { SpanMemo } from './span-memo.ts'
import { Sync } from './sync.ts'
import { type StoredFilter, SyncFilters } from './sync-filters.ts'
import type { SyncSource } from './sync-source.ts'
import { UserStream } from './user-stream.ts'

/** `/sync` with what it waits by. */
export interface SyncServices {
  readonly sync: Sync
  readonly notifier: Notifier
}

/** Builds `/sync` over the streams. */
export const createSync = (parts: {
  core: RoomCore
  ephemeral: Ephemeral
  encryption: Encryption
  push: Push
  database: Database
  clock: Clock
  log: Log
  storedFilter: StoredFilter
  metrics?: Metrics['sync']
}): SyncServices => {
  const { database, clock, log } = parts
  const { read } = parts.core.context
  const { views, clientEvents } = parts.core
  const { sights } = views
  const reader = new SyncReader(database)
  const summaries = new RoomSummaries(read, reader)
  const watch = new RoomWatch({ db: database, read, sync: reader, summaries })
  const touches = new StreamTouches(database)
  const invites = new UserStream('invites', database, touches)
  const accountData = new UserStream('account_data', database, touches)
  const events = eventsWithCounts(parts.push.counter, database, watch)
  const passing = connectEphemeral({ ephemeral: parts.ephemeral, db: database, watch, rooms: read.rooms })
  const encrypted = connectEncryption({ encryption: parts.encryption, db: database, watch, rooms: read })
  const notified = connectPush({ push: parts.push, db: database })
  const notifier = new Notifier({
    db: database,
    clock,
    log,
    followers: [
      events.follower,
      invites,
      accountData,
      ...passing.followers,
      ...encrypted.followers,
      ...notified.followers,
    ],
  })
  passing.wakeBy(notifier)
  events.wakeBy(notifier)
  const sources: readonly SyncSource[] = [
    new AccountDataStream({ read: new AccountDataReader(database), sync: reader, changes: accountData }),
    ...passing.sources,
    ...encrypted.sources,
    ...notified.sources,
  ]
  const sentMembers = new SentMembers()
  const memo = new SpanMemo(views.pages, read.state, () => watch.position)
  const sections = new RoomSections({
    read,
    timelines: new RoomTimelines(new Timelines(memo, sights), sights),
    states: new RoomStates({ state: read.state, views: views.state, memo, summaries, sentMembers }),
    summaries,
    memo,
    clientEvents,
    sources,
  })
  const sync = new Sync({
    watch,
    notifier,
    rooms: new RoomsStream({ read, sync: reader, sights, sections }),
    invitations: new Invitations(read),
    invites,
    sources,
    filters: new SyncFilters(parts.storedFilter),
    ignoredUsers: views.ignoredUsers,
    sentMembers,
    metrics: parts.metrics,
    ready: () => events.ready(notifier),
  })
  return { sync, notifier }
}
