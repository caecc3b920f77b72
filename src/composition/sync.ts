import type { Accounts } from '../services/accounts/index.ts'
import { createOldSync } from '../services/old-sync/index.ts'
import type { ThreadSubscriptions } from '../services/push/thread-subscriptions.ts'
import type { RoomServices } from '../services/rooms/index.ts'
import { createSlidingSync } from '../services/sliding-sync/index.ts'
import { createSync } from '../services/sync/index.ts'
import { AccountDataReader } from '../storage/accounts/account-data.ts'

/** Builds every way in which clients are told what is new: `/sync`, sliding sync, and what there was before. */
export const composeSync = (
  parts: Parameters<typeof createSync>[0] & {
    readonly rooms: RoomServices
    readonly threadSubscriptions: ThreadSubscriptions
    readonly accounts: Pick<Accounts, 'isShadowBanned'>
  },
) => {
  const { core, rooms, encryption, push, database } = parts
  const { streams, ...sync } = createSync(parts)
  const slidingSync = createSlidingSync({
    ...{ core, streams, toDevice: encryption.toDevice, unread: push.unread },
    threads: parts.threadSubscriptions,
    deviceListSpans: encryption.deviceListSpans,
    isUnheard: userId => parts.accounts.isShadowBanned(userId),
    accountData: new AccountDataReader(database),
  })
  const oldSync = createOldSync(core, rooms, streams)
  return {
    services: { ...sync, ...oldSync, slidingSync },
    // Closed in reverse: nobody waits any more by the time that it is stored what clients were told.
    running: [slidingSync, sync.notifier, oldSync.eventStream],
  }
}
