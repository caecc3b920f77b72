/** A room on another server, which answers as a resident server does. */
import type { ExecutionContext } from 'ava'
import type { JsonObject } from '../core/json.ts'
import { type FederationClient, FederationError } from '../network/federation-client.ts'
import type { Database } from '../storage/database.ts'
import { testDatabase } from './database.ts'
import { type FederatedServer, federatedServer, type KeyTable } from './outbound.ts'
import { clientOf, Resident } from './resident.ts'
import { newRoom, type TestRooms, testRooms } from './rooms.ts'

export const ALICE = '@alice:there.test'
export const BOB = '@bob:here.test'
export const CAROL = '@carol:here.test'
export const THERE = 'there.test'

/** The server that asks, and the other one. */
export interface World {
  readonly here: FederatedServer
  readonly there: TestRooms
  readonly resident: Resident
  /** What `here` asks others with; its methods may be replaced. */
  readonly client: FederationClient
  readonly keys: KeyTable
}

/** Starts both servers. */
export const world = async (t: ExecutionContext, database?: Database): Promise<World> => {
  const there = await testRooms(await testDatabase(t), { serverName: THERE, seed: 2 })
  const resident = new Resident(there.core)
  const keys: KeyTable = new Map([[THERE, there.core.signingKey.publicKey]])
  const client = clientOf([resident])
  const here = await federatedServer(database ?? (await testDatabase(t)), { federation: client, keys })
  return { here, there, resident, client, keys }
}

/** Makes a room of Alice's on the other server. */
export const makeRoom = (
  { there }: World,
  fields: Parameters<typeof newRoom>[2] = { preset: 'public_chat' },
): Promise<string> =>
  there.rooms.roomCreation.create(newRoom(there.rooms, ALICE, fields), { isDirect: false })

/**
 * Lets members of a club into a room of version 11 on the other server, which takes whoever asks for one and offers a join that Alice
 * vouches for.
 */
export const restrictToClub = async ({ there, client }: World, roomId: string): Promise<void> => {
  const allow = [{ type: 'm.room_membership', room_id: '!club:there.test' }]
  const content = { join_rule: 'restricted', allow }
  await there.core.sender.send(roomId, { type: 'm.room.join_rules', sender: ALICE, stateKey: '', content })
  const makeJoin: FederationClient['makeJoin'] = async (_, { userId }) => {
    const head = await there.core.writer.head(roomId)
    const at = (type: string, stateKey = '') => head?.entry(type, stateKey)?.eventId ?? ''
    const types = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules']
    const event = {
      ...{ type: 'm.room.member', room_id: roomId, sender: userId, state_key: userId },
      content: { membership: 'join', join_authorised_via_users_server: ALICE },
      auth_events: [...types.map(type => at(type)), at('m.room.member', ALICE)],
      prev_events: head?.extremities.map(one => one.eventId) ?? [],
      depth: head?.nextDepth ?? 0,
    }
    return { roomVersion: '11', event }
  }
  Object.assign(client, { makeJoin })
}

/** What the other server refuses with. */
export const refusal = (status: number, errcode: string, message = 'no', fields: JsonObject = {}) =>
  new FederationError('response', THERE, message, { status, errcode, fields })
