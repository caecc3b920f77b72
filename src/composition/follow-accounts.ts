import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Accounts } from '../services/accounts/index.ts'
import type { KeyBackups } from '../services/encryption/key-backups.ts'
import type { Presence } from '../services/ephemeral/presence.ts'
import { Departure } from '../services/rooms/departure.ts'
import type { RoomCore, RoomServices } from '../services/rooms/index.ts'
import { ProfilePropagation } from '../services/rooms/profile-propagation.ts'

/** Has rooms, presence and backups of keys follow what becomes of accounts: new names and pictures, and their end. */
export const followAccounts = (parts: {
  accounts: Accounts
  core: RoomCore
  rooms: RoomServices
  presence: Presence
  backups: Pick<KeyBackups, 'forget'>
  clock: Clock
  log: Log
}): ProfilePropagation => {
  const { accounts, core, presence, backups, clock, log } = parts
  const { context, sender } = core
  const propagation = new ProfilePropagation({
    ...{ context, sender, clock, log },
    profile: userId => accounts.profiles.memberProfile(userId),
    isUnheard: userId => accounts.isShadowBanned(userId),
  })
  const departure = new Departure({ context, memberships: parts.rooms.memberships, log })
  accounts.hooks.onProfileChange = async (userId, profile) => {
    if (await accounts.isShadowBanned(userId)) return
    presence.profileChanged(userId, profile)
    await propagation.settled()
  }
  accounts.hooks.onDeactivate = async userId => {
    presence.forget(userId)
    await context.erasures.refresh()
    await backups.forget(userId)
    await departure.leaveAll(userId)
  }
  return propagation
}
