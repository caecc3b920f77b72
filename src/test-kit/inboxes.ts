/** Notifications over the room services alone, with a clock that stands still. */
import type { ExecutionContext } from 'ava'
import { silentLog } from '../core/log.ts'
import type { PushGateway } from '../network/push-gateway.ts'
import { Receipts } from '../services/ephemeral/receipts.ts'
import { InvitationFollower } from '../services/invitations/follower.ts'
import { InvitationRecords } from '../services/invitations/records.ts'
import { noEdus } from '../services/kept-edus.ts'
import { createNotifications, type Notifications } from '../services/notifications/index.ts'
import { createPush, type Push } from '../services/push/index.ts'
import type { Database } from '../storage/database.ts'
import { requesterOf, type TestRooms, testRooms } from './rooms.ts'

/** An item as clients are shown it. */
export interface ShownItem {
  readonly id: string
  readonly kind: string
  readonly created_ts: number
  readonly count?: number
  readonly room: { readonly room_id: string }
  readonly event?: { readonly event_id: string }
}

/** Inboxes over room services that are there already, such as those of a server that has peers. */
export interface TestInboxesOnly {
  readonly push: Push
  readonly receipts: Receipts
  readonly notifications: Notifications
  /** Resolves once everything that happened is in the inboxes. */
  settled(): Promise<void>
  list(userId: string, query?: object): Promise<{ items: ShownItem[]; total: number; next_batch?: string }>
}

export interface TestInboxes extends TestRooms, TestInboxesOnly {
  say(userId: string, roomId: string, content?: object): Promise<string>
}

const NO_GATEWAY: PushGateway = {
  notify: () => Promise.reject(new Error('nothing is to be sent')),
  close: async () => undefined,
}

const LIMITS = { expiry: 30 * 24 * 60 * 60_000, maxPerUser: 500 }

/** Builds inboxes over room services. */
export const inboxesOf = (
  t: ExecutionContext,
  { core, clock, database }: Pick<TestRooms, 'core' | 'clock'> & { database: Database },
  limits = LIMITS,
): TestInboxesOnly => {
  const { context } = core
  const log = silentLog
  const push = createPush({ core, gateway: NO_GATEWAY, clock, log })
  const records = new InvitationRecords(database)
  const { read, serverName } = context
  const follower = new InvitationFollower({ database, read, records, clock, serverName, log })
  const notifications = createNotifications({ core, push, records: records.read, limits, clock, log })
  const receipts = new Receipts({ writer: core.writer, clock, keepEdus: noEdus, admits: async () => true })
  push.counter.start()
  follower.start()
  notifications.start()
  t.teardown(async () => {
    await notifications.close()
    await follower.close()
    await push.close()
  })
  return {
    ...{ push, receipts, notifications },
    settled: async () => {
      await follower.caughtUp()
      await notifications.caughtUp()
    },
    list: async (userId, query = {}) =>
      JSON.parse(await notifications.services.notifications.page(requesterOf(userId), query)),
  }
}

/** Room services on one server, with inboxes. */
export const testInboxes = async (
  t: ExecutionContext,
  database: Database,
  limits = LIMITS,
): Promise<TestInboxes> => {
  const rooms = await testRooms(database)
  let txn = 0
  return {
    ...rooms,
    ...inboxesOf(t, { ...rooms, database }, limits),
    say: async (userId, roomId, content = {}) => {
      const { eventId } = await rooms.rooms.sending.message(requesterOf(userId), {
        roomId,
        type: 'm.room.message',
        txnId: `t${txn++}`,
        content: { msgtype: 'm.text', body: 'x', ...content },
      })
      return eventId
    },
  }
}
