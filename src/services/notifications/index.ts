import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { InvitationRecordReader } from '../../storage/invitations/records.ts'
import type { Push } from '../push/index.ts'
import type { RoomCore } from '../rooms/index.ts'
import { Attention } from './attention.ts'
import { NotificationFeeds } from './feeds.ts'
import { NotificationHousekeeping } from './housekeeping.ts'
import { Inbox, type InboxLimits } from './inbox.ts'
import { Inboxes } from './inboxes.ts'
import { Knocks } from './knocks.ts'
import { NotificationCenter } from './notification-center.ts'
import { NotificationViews } from './notification-view.ts'
import { WantedInvitations } from './wanted-invitations.ts'

/** Notifications, as the endpoints see them. */
export interface NotificationServices {
  readonly notifications: NotificationCenter
}

/** The same with their parts for other services, and what goes on without being asked for. */
export interface Notifications {
  readonly services: NotificationServices
  readonly attention: Attention
  readonly housekeeping: NotificationHousekeeping
  /** Resolves once everything that is stored now has been followed. */
  caughtUp(): Promise<void>
  start(): void
  close(): Promise<void>
}

/** Builds what waits for users to act, over what is judged by push rules and what becomes of invitations. */
export const createNotifications = (parts: {
  core: RoomCore
  push: Pick<Push, 'counter' | 'unread'>
  records: InvitationRecordReader
  limits: InboxLimits
  clock: Clock
  log: Log
}): Notifications => {
  const { core, push, records, limits, clock } = parts
  const { context, clientEvents, views } = core
  const { db, read } = context
  const log = parts.log.child({ part: 'notifications' })
  const inbox = new Inbox({ db, read, clock, limits, views })
  const sole = context.processes.soleWork('notifications')
  // What follows from streams is written only by the process that follows them.
  const followed = new Inbox({ db: sole.database, read, clock, limits, views })
  const inboxes = new Inboxes({ db, inbox, records })
  const feeds = new NotificationFeeds({
    ...{ context, inbox: followed, records, sole, log },
    knocks: new Knocks(context, followed),
    counted: position => push.counter.counted(position),
  })
  const wanted = new WantedInvitations({
    ...{ db, inbox: followed, records, rooms: read.rooms, sole, clock, log },
  })
  const housekeeping = new NotificationHousekeeping({ db, inbox, clock, log })
  return {
    services: {
      notifications: new NotificationCenter({
        ...{ db, inbox, inboxes, wanted },
        views: new NotificationViews({ context, clientEvents, unread: push.unread }),
      }),
    },
    attention: new Attention({
      ...{ inbox, clock, caughtUp: () => feeds.caughtUp() },
      position: stream => db.position(stream),
    }),
    housekeeping,
    caughtUp: async () => {
      await feeds.caughtUp()
      await wanted.caughtUp()
    },
    start: () => {
      feeds.start()
      wanted.start()
      housekeeping.start()
    },
    close: async () => {
      await Promise.all([feeds.close(), wanted.close(), housekeeping.close()])
    },
  }
}
