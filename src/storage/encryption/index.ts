import type { Reader } from '../database.ts'
import { TransactionWriter } from '../rooms/transactions.ts'
import { CompanionReader } from './companions.ts'
import { CrossSigningKeyReader, CrossSigningKeyWriter } from './cross-signing-keys.ts'
import { DehydratedDeviceReader, DehydratedDeviceWriter } from './dehydrated-devices.ts'
import { DeviceKeysReader, DeviceKeysWriter } from './device-keys.ts'
import { DeviceListReader } from './device-list-changes.ts'
import { DeviceListWriter } from './device-list-writer.ts'
import { KeyBackupWriter } from './key-backup-writer.ts'
import { KeyBackupReader } from './key-backups.ts'
import { KeySignatureReader, KeySignatureWriter } from './key-signatures.ts'
import { OneTimeKeyReader, OneTimeKeyWriter } from './one-time-keys.ts'
import { RemoteDeviceReader, RemoteDeviceWriter } from './remote-devices.ts'
import { ToDeviceReader, ToDeviceWriter } from './to-device.ts'

/** Readers and writers of all tables of end-to-end encryption; statements are prepared here. */
export const encryptionStores = (db: Reader) => ({
  read: {
    deviceKeys: new DeviceKeysReader(db),
    oneTimeKeys: new OneTimeKeyReader(db),
    crossSigningKeys: new CrossSigningKeyReader(db),
    signatures: new KeySignatureReader(db),
    toDevice: new ToDeviceReader(db),
    deviceLists: new DeviceListReader(db),
    companions: new CompanionReader(db),
    remoteDevices: new RemoteDeviceReader(db),
    dehydrated: new DehydratedDeviceReader(db),
    backups: new KeyBackupReader(db),
  },
  write: {
    deviceKeys: new DeviceKeysWriter(db),
    oneTimeKeys: new OneTimeKeyWriter(db),
    crossSigningKeys: new CrossSigningKeyWriter(db),
    signatures: new KeySignatureWriter(db),
    toDevice: new ToDeviceWriter(db),
    deviceLists: new DeviceListWriter(db),
    remoteDevices: new RemoteDeviceWriter(db),
    dehydrated: new DehydratedDeviceWriter(db),
    backups: new KeyBackupWriter(db),
    transactions: new TransactionWriter(db),
  },
})

export type EncryptionStores = ReturnType<typeof encryptionStores>
