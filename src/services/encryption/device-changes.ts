import type { Clock } from '../../core/clock.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { EncryptionStores } from '../../storage/encryption/index.ts'
import type { DevicesChange } from '../accounts/index.ts'

/**
 * What belongs into the write set that adds, renames or removes devices of a local user: whoever shares a room is told ("for new or
 * deleted devices, … or changes in device information"), and with a device go its keys, what was signed of them, and what
 * waits for it.
 *
 * @param offset the first position of the set in `device_lists` that is taken; one for each device is
 */
export const deviceChangeStatements = (
  { write }: Pick<EncryptionStores, 'write'>,
  clock: Clock,
  userId: string,
  { added = [], removed = [], renamed = [] }: DevicesChange,
  offset = 0,
): WriteStatement[] => {
  const now = clock.now()
  const statements = [
    write.deviceLists.insert(userId, added, now, offset),
    // While the devices are there: what was gone before is no news.
    write.deviceLists.insertIfDevice(userId, [...renamed, ...removed], now, offset + added.length),
    write.deviceKeys.delete(userId, removed),
    ...write.oneTimeKeys.dropDevices(userId, removed),
    ...write.signatures.dropTargets(userId, removed),
    ...write.signatures.dropSigners(userId, removed),
    write.toDevice.dropDevices(userId, removed),
    write.dehydrated.delete(userId, removed),
  ]
  return statements.filter(statement => statement.rows.length > 0)
}
