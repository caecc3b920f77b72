import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { Database } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { DevicesChange } from '../accounts/index.ts'
import { BackupContents } from './backup-contents.ts'
import { encryptionContext } from './context.ts'
import { CrossSigning } from './cross-signing.ts'
import { DehydratedDevices } from './dehydrated-devices.ts'
import { deviceChangeStatements } from './device-changes.ts'
import { DeviceKeys } from './device-keys.ts'
import { DeviceListSpans } from './device-list-span.ts'
import { KeyBackups } from './key-backups.ts'
import { KeyChanges } from './key-changes.ts'
import { KeyClaims } from './key-claim.ts'
import { KeyQueries } from './key-query.ts'
import { LocalKeys } from './local-keys.ts'
import type { QueueEdu, RemoteKeys } from './ports.ts'
import { RemoteDevices } from './remote/remote-devices.ts'
import { SignatureUpload } from './signature-upload.ts'
import { ToDevice } from './to-device.ts'

/** The services of end-to-end encryption, as the endpoints see them. */
export type Encryption = ReturnType<typeof createEncryption>

/** Builds them over what federation offers. */
export const createEncryption = (parts: {
  database: Database
  rooms: RoomReaders
  clock: Clock
  log: Log
  serverName: string
  remote: RemoteKeys
  queueEdu: QueueEdu
}) => {
  const context = encryptionContext(parts)
  const remoteDevices = new RemoteDevices(context, parts.remote)
  const localKeys = new LocalKeys(context, new UserReader(parts.database))
  const deviceKeys = new DeviceKeys(context)
  const backups = new KeyBackups(context)
  const deviceListSpans = new DeviceListSpans(context)
  return {
    context,
    onDevicesChange: (userId: string, change: DevicesChange) =>
      deviceChangeStatements(context, context.clock, userId, change),
    deviceKeys,
    keyQueries: new KeyQueries(context, localKeys, remoteDevices),
    keyClaims: new KeyClaims(context, parts.remote),
    keyChanges: new KeyChanges(deviceListSpans),
    deviceListSpans,
    crossSigning: new CrossSigning(context),
    signatures: new SignatureUpload(context, remoteDevices),
    toDevice: new ToDevice(context, parts.queueEdu),
    backups,
    backupContents: new BackupContents(context, backups),
    dehydrated: new DehydratedDevices(context, deviceKeys),
  }
}
