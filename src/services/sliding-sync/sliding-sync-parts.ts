import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'
import type { AccountDataMemo } from '../rooms/account-data-memo.ts'
import type { IgnoredUsers } from '../rooms/ignored-users.ts'
import type { InvitePolicies } from '../rooms/invite-policies.ts'
import type { Notifier } from '../sync/notifier.ts'
import type { PartialSpans } from '../sync/partial-spans.ts'
import type { ProfileWatch } from '../sync/profile-watch.ts'
import type { SyncStreams } from '../sync/room-sync.ts'
import type { RoomWatch } from '../sync/room-watch.ts'
import type { UserStream } from '../sync/user-stream.ts'
import type { ConnectionKeeper } from './connection-keeper.ts'
import type { Connections } from './connections.ts'
import type { ExtensionTexts } from './extensions.ts'
import type { RoomList } from './room-list.ts'
import type { RoomTexts } from './room-writer.ts'

/** What sliding sync is made of. */
export interface SlidingSyncParts {
  readonly watch: RoomWatch
  readonly notifier: Notifier
  readonly invites: UserStream
  readonly connections: Connections
  readonly keeper: ConnectionKeeper
  readonly list: RoomList
  readonly rooms: RoomTexts
  readonly extensions: ExtensionTexts
  readonly read: RoomReaders
  readonly accountData: AccountDataReader
  readonly direct: AccountDataMemo<ReadonlySet<string>>
  readonly ignoredUsers: IgnoredUsers
  readonly invitePolicies: InvitePolicies
  readonly partial: Pick<PartialSpans, 'isOpenAt'>
  /** Resolves once all events that are committed now can be told. */
  readonly ready: () => Answer<void>
  readonly counted: SyncStreams['counted']
  readonly recounting: SyncStreams['recounting']
  readonly profiles: Pick<ProfileWatch, 'ask'>
}
