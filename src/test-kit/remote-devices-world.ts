/** A server whose user Alice shares a room with Bob, of another server whose answers the test decides. */
import type { JsonObject } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import type { UserDevices } from '../network/federation/devices.ts'
import { FederationError } from '../network/federation-client.ts'
import { createEncryption } from '../services/encryption/index.ts'
import { noRemoteKeys } from '../services/encryption/ports.ts'
import { noEdus } from '../services/kept-edus.ts'
import type { Processes } from '../services/processes.ts'
import type { Database } from '../storage/database.ts'
import { roomReaders } from '../storage/rooms/index.ts'
import { MembershipWriter } from '../storage/rooms/membership-writer.ts'
import { FakeClock } from './fake-clock.ts'

export const BOB = '@bob:far.test'
export const ALICE = '@alice:near.test'

export const keysOf = (deviceId: string, more: JsonObject = {}): JsonObject => ({
  user_id: BOB,
  device_id: deviceId,
  algorithms: [],
  keys: {},
  signatures: {},
  ...more,
})

export const masterKey = (seed: number): JsonObject => {
  const publicKey = Buffer.alloc(32, seed).toString('base64').replaceAll('=', '')
  return { user_id: BOB, usage: ['master'], keys: { [`ed25519:${publicKey}`]: publicKey } }
}

/** Encryption of `near.test`, over a remote server whose answers the test decides; `processes` where others are to be heard. */
export const remoteDevicesWorld = async (database: Database, parts: { processes?: Processes } = {}) => {
  const remote = {
    ...{ streamId: 0, devices: [] as string[], isDown: false, asked: 0, meanwhile: async () => {} },
    master: undefined as JsonObject | undefined,
    /** Of each device. */
    signatures: {} as JsonObject,
    /** How many questions for keys were under way at the same time. */
    most: 0,
  }
  let underWay = 0
  const clock = new FakeClock()
  const encryption = createEncryption({
    ...parts,
    database,
    rooms: roomReaders(database),
    clock,
    log: silentLog,
    serverName: 'near.test',
    shareNames: false,
    keepEdus: noEdus,
    remote: {
      ...noRemoteKeys,
      keysQuery: async (server): Promise<never> => {
        remote.most = Math.max(remote.most, ++underWay)
        await new Promise(resolve => setImmediate(resolve))
        underWay--
        throw new FederationError('unreachable', server, 'nobody answers')
      },
      userDevices: async (): Promise<UserDevices> => {
        remote.asked++
        const { streamId, devices, master: masterKey, signatures } = remote
        await remote.meanwhile()
        if (remote.isDown) throw new FederationError('unreachable', 'far.test', 'nobody answers')
        return {
          streamId,
          devices: devices.map(deviceId => ({
            ...{ deviceId, displayName: undefined },
            keys: keysOf(deviceId, { signatures }),
          })),
          masterKey,
          selfSigningKey: undefined,
        }
      },
    },
  })
  const room = database.prepare(
    `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
     VALUES (1, '!r:near.test', '11', 1, 0, 'x', 0)`,
  )
  const member = (userId: string, membership: 'join' | 'leave', position: number) =>
    new MembershipWriter(database).set([
      {
        ...{ roomNid: 1, userId, membership, eventNid: position, position },
        host: userId === BOB ? 'far.test' : 'near.test',
      },
    ])
  await database.commit({
    statements: [{ prepared: room, rows: [[]] }, ...member(ALICE, 'join', 1), ...member(BOB, 'join', 2)],
  })
  const bobIs = (membership: 'join' | 'leave', position: number) =>
    database.commit({ statements: member(BOB, membership, position) })
  const update = (streamId: number, previous: number[], deviceId: string, more: JsonObject = {}) =>
    encryption.eduHandlers['m.device_list_update']('far.test', {
      user_id: BOB,
      device_id: deviceId,
      stream_id: streamId,
      prev_id: previous,
      keys: keysOf(deviceId),
      ...more,
    })
  const devices = async () => {
    const { device_keys: keys, failures } = await encryption.keyQueries.query(ALICE, { [BOB]: [] }, undefined)
    return { ids: Object.keys(keys[BOB] ?? {}).toSorted(), failures: Object.keys(failures) }
  }
  const identity = (master: JsonObject) =>
    encryption.eduHandlers['m.signing_key_update']('far.test', { user_id: BOB, master_key: master })
  const master = async (): Promise<unknown> => {
    const { master_keys: keys } = await encryption.keyQueries.query(ALICE, { [BOB]: [] }, undefined)
    return keys[BOB]
  }
  const told = () => database.position('device_lists')
  return { remote, clock, encryption, update, devices, identity, master, told, bobIs }
}
