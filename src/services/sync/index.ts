import { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { Encryption } from '../encryption/index.ts'
import type { Ephemeral } from '../ephemeral/index.ts'
import type { Notifications } from '../notifications/index.ts'
import type { Push } from '../push/index.ts'
import { connectEncryption } from './encryption-sources.ts'
import { connectEphemeral } from './ephemeral-streams.ts'
import { LateCounts } from './late-counts.ts'
import { NotificationsStream } from './notifications-stream.ts'
import { connectPush, eventsWithCounts } from './push-sources.ts'
import { RoomIds } from './room-ids.ts'
import { createRoomSync, type SyncGround, type SyncServices, type SyncStreams } from './room-sync.ts'
import { UserStream } from './user-stream.ts'

export type { SyncServices } from './room-sync.ts'

/** Builds `/sync` over all streams. */
export const createSync = (
  parts: SyncGround & {
    ephemeral: Ephemeral
    encryption: Encryption
    push: Push
    notifications: Notifications
  },
): SyncServices & { readonly streams: SyncStreams } => {
  const { database: db, ephemeral, encryption, push, notifications } = parts
  const { read } = parts.core.context
  return createRoomSync(parts, watch => {
    const { counter } = push
    const late = new LateCounts({
      ...{ counter, watch, reader: new SyncReader(db, read.news), roomIds: new RoomIds(read.rooms) },
    })
    const events = eventsWithCounts({ counter, db, watch, late })
    const passing = connectEphemeral({ ephemeral, db, watch, rooms: read.rooms })
    const encrypted = connectEncryption({ encryption, db, watch, rooms: read })
    const notified = connectPush({ push, db })
    const inbox = new UserStream('notifications', db, new StreamTouches(db))
    const inboxes = new NotificationsStream(notifications.services.notifications, inbox)
    return {
      events: events.follower,
      sources: [...passing.sources, ...encrypted.sources, ...notified.sources, late, inboxes],
      followers: [...passing.followers, ...encrypted.followers, ...notified.followers, inbox],
      wakeBy: notifier => {
        passing.wakeBy(notifier)
        events.wakeBy(notifier)
      },
      ready: notifier => events.ready(notifier),
      counted: (userId, told) => late.look(userId, told),
      recounting: notified.recounting,
    }
  })
}
