import type { Accounts } from './accounts/index.ts'
import type { DiscoveryServices } from './discovery/index.ts'
import type { Federation } from './federation/index.ts'
import type { OldSyncServices } from './old-sync/index.ts'
import type { RoomServices } from './rooms/index.ts'
import type { SyncServices } from './sync/index.ts'

/** The domain, as the endpoints see it: what `server.ts` composes. */
export interface Services extends RoomServices, DiscoveryServices, SyncServices, OldSyncServices {
  readonly accounts: Accounts
  readonly federation: Federation
}
