import type { Accounts } from './accounts/index.ts'
import type { Administration } from './administration/index.ts'
import type { AppServices } from './appservices/index.ts'
import type { DelayedEvents } from './delayed-events/delayed-events.ts'
import type { DirectServices } from './direct/index.ts'
import type { DiscoveryServices } from './discovery/index.ts'
import type { Encryption } from './encryption/index.ts'
import type { EphemeralServices } from './ephemeral/index.ts'
import type { Federation } from './federation/index.ts'
import type { IdentityInvitations } from './invitations/identity-invitations.ts'
import type { Invitations } from './invitations/index.ts'
import type { Media } from './media/index.ts'
import type { NotificationServices } from './notifications/index.ts'
import type { OldSyncServices } from './old-sync/index.ts'
import type { PushServices } from './push/index.ts'
import type { ThreadSubscriptions } from './push/thread-subscriptions.ts'
import type { Reports } from './reports.ts'
import type { RoomServices } from './rooms/index.ts'
import type { MemberActivity } from './rooms/member-activity.ts'
import type { MutualRooms } from './rooms/mutual-rooms.ts'
import type { ProfileAccess } from './rooms/profile-access.ts'
import type { RoomRules } from './rooms/room-rules.ts'
import type { SearchServices } from './search/index.ts'
import type { ServerNotices } from './server-notices/server-notices.ts'
import type { SlidingSync } from './sliding-sync/index.ts'
import type { SyncServices } from './sync/index.ts'
import type { Turn } from './turn.ts'
import type { rtcTransports, WellKnown } from './well-known.ts'

/** The domain, as the endpoints see it: what `composition/` puts together. */
export interface Services
  extends RoomServices,
    DirectServices,
    DiscoveryServices,
    EphemeralServices,
    NotificationServices,
    PushServices,
    SyncServices,
    SearchServices,
    OldSyncServices {
  readonly accounts: Accounts
  readonly administration: Administration
  readonly delayedEvents: DelayedEvents
  readonly appServices: AppServices
  readonly encryption: Encryption
  readonly federation: Federation
  readonly invitations: Invitations
  readonly media: Media
  readonly memberActivity: MemberActivity
  readonly mutualRooms: MutualRooms
  readonly profileAccess: ProfileAccess
  readonly reports: Reports
  readonly roomRules: RoomRules
  /** Where the operator has named somebody who writes them. */
  readonly serverNotices: ServerNotices | undefined
  readonly slidingSync: SlidingSync
  readonly threadSubscriptions: ThreadSubscriptions
  readonly identityInvitations: IdentityInvitations
  readonly rtcTransports: ReturnType<typeof rtcTransports>
  readonly turn: Turn
  readonly wellKnown: WellKnown
}
