import { createSlidingSync, type SlidingSync } from '../services/sliding-sync/index.ts'
import type { SyncStreams } from '../services/sync/room-sync.ts'
import { AccountDataReader } from '../storage/accounts/account-data.ts'
import type { Database } from '../storage/database.ts'
import type { TestRooms } from './rooms.ts'

const NONE = { notification_count: 0, highlight_count: 0 }

/** Sliding sync of rooms over the streams of `testSync`: nobody has unread messages, or messages to devices. */
export const testSlidingSync = (
  { core }: Pick<TestRooms, 'core'>,
  streams: SyncStreams,
  database: Database,
): SlidingSync =>
  createSlidingSync({
    ...{ core, streams, accountData: new AccountDataReader(database) },
    threads: {
      position: 0,
      changes: async () => ({
        changes: { subscribed: {}, unsubscribed: {} },
        isEmpty: true,
        older: undefined,
      }),
    },
    deviceListSpans: { news: async () => ({ changed: [], left: [] }) },
    isUnheard: async () => false,
    toDevice: { waiting: async () => [], acknowledge: async () => undefined },
    unread: { ofRoom: async () => ({ total: NONE, main: NONE, threads: new Map() }) },
  })
