import type { RoomEvent } from '../core/event/event.ts'
import { silentLog } from '../core/log.ts'
import { verifySignature } from '../core/signing.ts'
import type { FederationClient } from '../network/federation-client.ts'
import type { KeyRing } from '../services/federation/keys/key-ring.ts'
import { createOutbound, type Outbound } from '../services/federation/outbound/index.ts'
import type { VerifyEvents } from '../services/federation/outbound/ports.ts'
import { EventVerifier } from '../services/federation/verify-event.ts'
import { createRooms, type RoomServices } from '../services/rooms/index.ts'
import type { Database } from '../storage/database.ts'
import type { FakeClock } from './fake-clock.ts'
import { type TestRooms, testRooms } from './rooms.ts'

/** A server with rooms and the outgoing half of federation. */
export interface FederatedServer extends TestRooms {
  readonly outbound: Outbound
  readonly rooms: RoomServices
}

/** Public keys, by server name. */
export type KeyTable = Map<string, string>

/** Verifies events with the keys of a table, whatever their IDs. */
export const verifierOf = (keys: KeyTable): VerifyEvents => {
  const ring: Pick<KeyRing, 'publicKey'> = { publicKey: async server => keys.get(server) }
  const verifier = new EventVerifier(ring as KeyRing, verifySignature)
  return (pdus, version, options) => verifier.verifyAll(pdus, version, options)
}

/** Builds one over a test database; its key is put into the table. */
export const federatedServer = async (
  database: Database,
  options: {
    serverName?: string
    seed?: number
    random?: (size: number) => Uint8Array
    clock?: FakeClock
    federation: FederationClient
    keys: KeyTable
  },
): Promise<FederatedServer> => {
  const { federation, keys } = options
  const { core, clock } = await testRooms(database, options)
  keys.set(core.context.serverName, core.signingKey.publicKey)
  const outbound = createOutbound({ core, federation, clock, log: silentLog, verifyEvents: verifierOf(keys) })
  const rooms = createRooms(core, {
    profile: async userId => ({ displayname: userId.slice(1).split(':')[0] ?? '' }),
    remote: outbound.remote,
    queryRemoteAlias: outbound.queryAlias,
    fetchHistory: outbound.fetchHistory,
    defaultRoomVersion: '12',
    log: silentLog,
  })
  return { core, clock, rooms, outbound }
}

/** The event of the current state at a point. */
export const stateEvent = async (
  { core }: Pick<TestRooms, 'core'>,
  roomId: string,
  type: string,
  stateKey = '',
): Promise<RoomEvent | undefined> => {
  const nid = (await core.writer.head(roomId))?.entry(type, stateKey)?.nid
  return nid === undefined ? undefined : (await core.context.read.events.byNids([nid]))[0]?.event
}
