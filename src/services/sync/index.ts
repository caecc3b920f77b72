import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { Encryption } from '../encryption/index.ts'
import type { Ephemeral } from '../ephemeral/index.ts'
import type { Push } from '../push/index.ts'
import type { RoomCore } from '../rooms/index.ts'
import { AccountDataStream } from './account-data-stream.ts'
import { connectEncryption } from './encryption-sources.ts'
import { connectEphemeral } from './ephemeral-streams.ts'
import { SentMembers } from './lazy-members.ts'
import { type Follower, Notifier } from './notifier.ts'
import { connectPush, eventsWithCounts } from './push-sources.ts'
import { RoomSections } from './room-section.ts'
import { RoomWatch } from './room-watch.ts'
import { RoomsStream } from './rooms-stream.ts'
import { type StoredFilter, Sync } from './sync.ts'
import type { SyncSource } from './sync-source.ts'

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
}): SyncServices => {
  const { database, clock, log } = parts
  const { read } = parts.core.context
  const watch = new RoomWatch(database, read)
  const touches = new StreamTouches(database)
  const ofUsers = (stream: 'invites' | 'account_data'): Follower => {
    let position = database.position(stream)
    return {
      stream,
      follow: async upTo => {
        if (upTo <= position) return []
        const users = await touches.users(stream, position, upTo)
        position = upTo
        return users
      },
    }
  }
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
      ofUsers('invites'),
      ofUsers('account_data'),
      ...passing.followers,
      ...encrypted.followers,
      ...notified.followers,
    ],
  })
  passing.wakeBy(notifier)
  events.wakeBy(notifier)
  const sources: readonly SyncSource[] = [
    new AccountDataStream(new AccountDataReader(database), () => database.position('account_data')),
    ...passing.sources,
    ...encrypted.sources,
    ...notified.sources,
  ]
  const sections = new RoomSections({
    read,
    sync: new SyncReader(database),
    clientEvents: parts.core.clientEvents,
    sentMembers: new SentMembers(),
    sources,
  })
  const sync = new Sync({
    db: database,
    watch,
    notifier,
    rooms: new RoomsStream({ read, watch, sections }),
    sources,
    storedFilter: parts.storedFilter,
    ready: () => events.ready(notifier),
  })
  return { sync, notifier }
}
