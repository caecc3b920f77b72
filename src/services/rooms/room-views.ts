import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Reader } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { StateViews } from '../../storage/rooms/state-views.ts'
import { TimelineReader } from '../../storage/rooms/timeline-reader.ts'
import { IgnoredUsers } from './ignored-users.ts'
import { InvitePolicies } from './invite-policies.ts'
import { Sights } from './room-sight.ts'

/** What rooms are shown to clients by. */
export interface RoomViews {
  readonly state: StateViews
  readonly pages: TimelineReader
  readonly sights: Sights
  readonly ignoredUsers: IgnoredUsers
  readonly invitePolicies: InvitePolicies
}

export const createRoomViews = (database: Reader, read: RoomReaders): RoomViews => {
  const state = new StateViews(database)
  const accountData = new AccountDataReader(database)
  const position = (): number => database.position('account_data')
  return {
    state,
    pages: new TimelineReader(database, read.events),
    sights: new Sights(read, state),
    ignoredUsers: new IgnoredUsers(accountData, position),
    invitePolicies: new InvitePolicies(accountData, position),
  }
}
