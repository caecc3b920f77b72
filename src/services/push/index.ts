import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Mailer } from '../../network/mailer.ts'
import type { PushGateway } from '../../network/push-gateway.ts'
import type { RoomCore } from '../rooms/index.ts'
import { Announcements } from './announcements.ts'
import { NotificationCounter } from './counter.ts'
import type { MailDigestOptions } from './digest-mailing.ts'
import { PushHousekeeping } from './housekeeping.ts'
import { IgnoredNotices } from './ignored-notices.ts'
import { MailPushers } from './mail-pushers.ts'
import { NotificationList } from './notification-list.ts'
import type { PushDetails } from './push-message.ts'
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
  readonly ignoredNotices: IgnoredNotices
  /** Where there is a mail server. */
  readonly mailPushers: MailPushers | undefined
  start(): void
  close(): Promise<void>
}

/** Builds what decides whom events notify, and who is told. */
export const createPush = (parts: {
  core: RoomCore
  gateway: PushGateway
  /** What gateways are told of events; all, if not given. */
  details?: PushDetails
  /** The position up to which it is stored whom events notify; not known, if not given, before it runs. */
  counted?: number
  /** For pushers of the kind `email`, where there is a mail server. */
  mail?: { readonly mailer: Mailer; readonly options: MailDigestOptions } | undefined
  clock: Clock
  log: Log
}): Push => {
  const { core, gateway, mail, clock, log } = parts
  const { context, clientEvents } = core
  const { db, read } = context
  const rules = new RuleBook(db)
  const unread = new UnreadCounts(db)
  const { bulletin } = context.processes
  const sole = context.processes.soleWork('push')
  const counter = new NotificationCounter({
    ...{ context, sights: core.views.sights, rules, unread, log, clock, sole, counted: parts.counted },
  })
  const announcements = new Announcements({ read, rules, policies: core.views.invitePolicies })
  const sender = new PushSender({
    details: parts.details ?? 'all',
    ...{ context, counter, announcements, unread, gateway, clock, log, sole },
  })
  const mailPushers = mail && new MailPushers({ context, counter, announcements, ...mail, clock, log, sole })
  const housekeeping = new PushHousekeeping({
    db,
    clock,
    log,
    onTidied: () => void bulletin.post('unread', {}),
  })
  for (const topic of ['unread', 'purged', 'redacted'] as const) bulletin.on(topic, () => unread.forget())
  const reload = async (userId: string): Promise<void> => {
    await Promise.all([sender.reload(userId), mailPushers?.reload(userId)])
  }
  bulletin.on('pushers', userId => {
    reload(String(userId)).catch(error => log.warn({ err: error }, 'the pushers of a user could not be read'))
  })
  return {
    services: {
      pushRules: new UserPushRules(db),
      notificationList: new NotificationList({
        ...{ db, read, clientEvents, announcements, clock },
        counted: () => counter.counted(db.position('events')),
      }),
      pushers: new Pushers({
        ...{ db, clock, canMail: mailPushers !== undefined },
        changed: async userId => {
          await reload(userId)
          if (!bulletin.isAlone) await bulletin.post('pushers', userId)
        },
      }),
    },
    counter,
    unread,
    sender,
    ignoredNotices: new IgnoredNotices(db, counter),
    mailPushers,
    start: () => {
      counter.start()
      sender.start()
      mailPushers?.start()
      housekeeping.start()
    },
    close: async () => {
      await Promise.all([counter.close(), sender.close(), mailPushers?.close(), housekeeping.close()])
    },
  }
}
