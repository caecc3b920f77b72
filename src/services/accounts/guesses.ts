import { addressKey } from '../../core/address-key.ts'
import type { Device } from '../../storage/accounts/devices.ts'
import type { User } from '../../storage/accounts/users.ts'

/** From where somebody tries a password. */
export interface TriedFrom {
  /** Their address, where it is known. */
  readonly ip?: string | undefined
  /** As whom they are signed in already, if they are. */
  readonly userId?: string | undefined
}

/**
 * As what a password that is tried for somebody is counted, if it is wrong. From wherever they come, wrong ones count for the account
 * together, so that no crowd can guess. But whoever is signed in to it already, or comes from where one of its devices was last heard of,
 * is counted apart: others who try in vain keep nobody from their own account.
 *
 * @param whom as `countedAs`
 * @param user whom that is, if anybody, with their devices
 */
export const countedFrom = (
  whom: string,
  { ip, userId }: TriedFrom,
  {
    user,
    devices,
  }: { user: Pick<User, 'userId'> | undefined; devices: readonly Pick<Device, 'lastSeenIp'>[] },
): string => {
  if (user === undefined) return whom
  if (userId === user.userId) return `${whom} signed in`
  if (ip === undefined) return whom
  const place = addressKey(ip)
  const isKnown = devices.some(
    ({ lastSeenIp }) => lastSeenIp !== undefined && addressKey(lastSeenIp) === place,
  )
  return isKnown ? `${whom} at ${place}` : whom
}
