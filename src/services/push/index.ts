import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { RoomCore } from '../rooms/index.ts'
import { NotificationCounter } from './counter.ts'
import { PushHousekeeping } from './housekeeping.ts'
import { NotificationList } from './notification-list.ts'
import { RuleBook } from './rule-book.ts'
import { UnreadCounts } from './unread.ts'
import { UserPushRules } from './user-rules.ts'

/** Push, as the endpoints see it. */
export interface PushServices {
  readonly pushRules: UserPushRules
  readonly notificationList: NotificationList
}

/** Push with its parts for other services. */
export interface Push {
  readonly services: PushServices
  readonly counter: NotificationCounter
  readonly unread: UnreadCounts
  start(): void
  close(): Promise<void>
}

/** Builds what decides whom events notify, and who is told. */
export const createPush = (parts: { core: RoomCore; clock: Clock; log: Log }): Push => {
  const { core, clock, log } = parts
  const { context, clientEvents } = core
  const { db, read } = context
  const rules = new RuleBook(db)
  const counter = new NotificationCounter({ context, rules, log, clock })
  const housekeeping = new PushHousekeeping({ db, clock, log })
  return {
    services: {
      pushRules: new UserPushRules(db),
      notificationList: new NotificationList(db, read, clientEvents),
    },
    counter,
    unread: new UnreadCounts(db),
    start: () => {
      counter.start()
      housekeeping.start()
    },
    close: async () => {
      await Promise.all([counter.close(), housekeeping.close()])
    },
  }
}
