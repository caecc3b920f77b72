import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { PushGateway } from '../../network/push-gateway.ts'
import type { RoomCore } from '../rooms/index.ts'
import { NotificationCounter } from './counter.ts'
import { PushHousekeeping } from './housekeeping.ts'
import { NotificationList } from './notification-list.ts'
import { PushSender } from './push-sender.ts'
import { Pushers } from './pushers.ts'
import { RuleBook } from './rule-book.ts'
import { UnreadCounts } from './unread.ts'
import { UserPushRules } from './user-rules.ts'

/** Push, as the endpoints see it. */
export interface PushServices {
  readonly pushRules: UserPushRules
  readonly notificationList: NotificationList
  readonly pushers: Pushers
}

/** Push with its parts for other services. */
export interface Push {
  readonly services: PushServices
  readonly counter: NotificationCounter
  readonly unread: UnreadCounts
  readonly sender: PushSender
  start(): void
  close(): Promise<void>
}

/** Builds what decides whom events notify, and who is told. */
export const createPush = (parts: { core: RoomCore; gateway: PushGateway; clock: Clock; log: Log }): Push => {
  const { core, gateway, clock, log } = parts
  const { context, clientEvents } = core
  const { db, read } = context
  const rules = new RuleBook(db)
  const unread = new UnreadCounts(db)
  const counter = new NotificationCounter({ context, rules, unread, log, clock })
  const sender = new PushSender({
    ...{ context, counter, rules, unread, gateway, clock, log },
    policies: core.views.invitePolicies,
  })
  const housekeeping = new PushHousekeeping({ db, clock, log, onTidied: () => unread.forget() })
  return {
    services: {
      pushRules: new UserPushRules(db),
      notificationList: new NotificationList(db, read, clientEvents),
      pushers: new Pushers({ db, clock, changed: userId => sender.reload(userId) }),
    },
    counter,
    unread,
    sender,
    start: () => {
      counter.start()
      sender.start()
      housekeeping.start()
    },
    close: async () => {
      await Promise.all([counter.close(), sender.close(), housekeeping.close()])
    },
  }
}
