import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import { ignoredBy, parseIgnoredList } from '../../core/ignored-spans.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { DeviceReader } from '../../storage/accounts/devices.ts'
import type { CommitResult, Database, WriteStatement } from '../../storage/database.ts'
import { type EncryptionStores, encryptionStores } from '../../storage/encryption/index.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Bulletin } from '../bulletin.ts'
import { aloneWith, type Processes, type SoleWork } from '../processes.ts'

/** What all parts of encryption share. */
export interface EncryptionContext extends EncryptionStores {
  readonly database: Database
  readonly rooms: RoomReaders
  readonly clock: Clock
  readonly log: Log
  readonly serverName: string
  isLocal(userId: string): boolean
  /** Whether a local user has a device of this ID, with or without keys. */
  hasDevice(userId: string, deviceId: string): Promise<boolean>
  /** Whether a local user ignores somebody. */
  ignores(userId: string, other: string): Promise<boolean>
  /** The IDs of a local user's devices. */
  deviceIds(userId: string): Promise<string[]>
  /** Commits statements as one write set; none is no commit. */
  commit(statements: readonly WriteStatement[]): Promise<CommitResult>
  /** Where other processes hear of what their caches have to know. */
  readonly bulletin: Bulletin | undefined
  /** Sending lists of devices to other servers, which one process does. */
  readonly listSending: SoleWork
}

const NOTHING: CommitResult = { ok: true, positions: {}, returned: {} }

/** Builds the context once. */
export const encryptionContext = (parts: {
  database: Database
  rooms: RoomReaders
  clock: Clock
  log: Log
  serverName: string
  processes?: Processes | undefined
}): EncryptionContext => {
  const devices = new DeviceReader(parts.database)
  const accountData = new AccountDataReader(parts.database)
  return {
    ...parts,
    ...encryptionStores(parts.database),
    isLocal: userId => serverNameOf(userId) === parts.serverName,
    hasDevice: async (userId, deviceId) => (await devices.byId(userId, deviceId)) !== undefined,
    ignores: async (userId, other) =>
      ignoredBy(userId, parseIgnoredList((await accountData.ignored(userId))?.content)).has(other),
    deviceIds: userId => devices.ids(userId),
    commit: async statements => {
      const some = statements.filter(statement => statement.rows.length > 0)
      return some.length === 0 ? NOTHING : parts.database.commit({ statements: some })
    },
    bulletin: parts.processes?.bulletin,
    listSending: parts.processes?.soleWork('device lists') ?? aloneWith(parts.database),
  }
}
