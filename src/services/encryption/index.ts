import type { Clock } from '../../core/clock.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { SilentServers } from '../../network/silent-servers.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { Database } from '../../storage/database.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { DevicesChange } from '../accounts/index.ts'
import type { KeepEdus } from '../kept-edus.ts'
import type { Processes } from '../processes.ts'
import { BackupContents } from './backup-contents.ts'
import { encryptionContext } from './context.ts'
import { CrossSigning } from './cross-signing.ts'
import { DehydratedDevices } from './dehydrated-devices.ts'
import { deviceChangeStatements } from './device-changes.ts'
import { DeviceKeys } from './device-keys.ts'
import { DeviceListSpans } from './device-list-span.ts'
import { Housekeeping } from './housekeeping.ts'
import { KeyBackups } from './key-backups.ts'
import { KeyChanges } from './key-changes.ts'
import { KeyClaims } from './key-claim.ts'
import { KeyQueries } from './key-query.ts'
import { KnownKeysLeft } from './known-keys-left.ts'
import { LocalKeys } from './local-keys.ts'
import { type RemoteKeys, unlessSilent } from './ports.ts'
import { DeviceListEdus } from './remote/device-list-edus.ts'
import { DeviceListSender } from './remote/device-list-sender.ts'
import { DeviceListUpdates } from './remote/device-list-updates.ts'
import { RemoteDevices } from './remote/remote-devices.ts'
import { ServedKeys } from './remote/served-keys.ts'
import { SharedRooms } from './remote/shared-rooms.ts'
import { SignatureUpload } from './signature-upload.ts'
import { ToDevice } from './to-device.ts'

/** So long whoever asks for keys waits for what the last events come to, as after a day of which much is to be read. Milliseconds. */
const PATIENCE_MS = 3_000

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
  keepEdus: KeepEdus
  /** Whether other servers learn the names of devices. */
  shareNames: boolean
  processes?: Processes
}) => {
  const context = encryptionContext(parts)
  const silent = new SilentServers(parts.clock)
  const remote = unlessSilent(parts.remote, silent)
  parts.processes?.bulletin.on('heard of', server => silent.heardOf(String(server)))
  const localKeys = new LocalKeys(context, new UserReader(parts.database))
  const keysLeft = new KnownKeysLeft(context)
  const deviceKeys = new DeviceKeys(context, keysLeft)
  const backups = new KeyBackups(context)
  const deviceListSpans = new DeviceListSpans(context)
  const keyClaims = new KeyClaims(context, { remote, keysLeft })
  const toDevice = new ToDevice(context, parts.keepEdus)
  const federated = { local: localKeys, withNames: parts.shareNames }
  const outgoing = { edus: new DeviceListEdus(context, federated), keepEdus: parts.keepEdus }
  const sharedRooms = new SharedRooms(context, outgoing)
  const followed = () => sharedRooms.follower.caughtUp(PATIENCE_MS)
  const remoteDevices = new RemoteDevices(context, { remote, followed })
  const updates = new DeviceListUpdates(context, remoteDevices.resync)
  const followers = [new DeviceListSender(context, outgoing).follower, sharedRooms.follower]
  const housekeeping = new Housekeeping(context, [
    () => remoteDevices.resync.refreshStale(),
    () => toDevice.expire(),
    () => deviceListSpans.expire(),
  ])
  return {
    context,
    onDevicesChange: (userId: string, change: DevicesChange) =>
      deviceChangeStatements(context, context.clock, userId, change),
    deviceKeys,
    keysLeft,
    keyQueries: new KeyQueries(context, localKeys, remoteDevices),
    keyClaims,
    servedKeys: new ServedKeys(context, { ...federated, claims: keyClaims }),
    keyChanges: new KeyChanges(deviceListSpans, context.database),
    deviceListSpans,
    crossSigning: new CrossSigning(context),
    signatures: new SignatureUpload(context, remoteDevices),
    toDevice,
    backups,
    backupContents: new BackupContents(context, backups),
    dehydrated: new DehydratedDevices(context, deviceKeys),
    /** What is done with EDUs of other servers, by type. */
    eduHandlers: {
      'm.direct_to_device': (origin: string, content: JsonObject) => toDevice.receive(origin, content),
      'm.device_list_update': (origin: string, content: JsonObject) => updates.deviceChanged(origin, content),
      'm.signing_key_update': (origin: string, content: JsonObject) => updates.keysChanged(origin, content),
    },
    /** Another server has asked something of us: it is there, and asked for keys again. */
    heardOf: (server: string) => silent.heardOf(server),
    /** Begins what runs in the background. */
    start: () => {
      for (const follower of followers) follower.start()
      housekeeping.start()
    },
    /** Resolves when everything that is stored now has been followed. */
    caughtUp: async () => {
      await Promise.all(followers.map(follower => follower.caughtUp()))
    },
    close: async () => {
      await housekeeping.close()
      await Promise.all(followers.map(follower => follower.close()))
    },
  }
}
