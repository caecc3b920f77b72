import { type Received, type ReceiveOptions, receiveEvent } from '../services/rooms/receive.ts'
import type { Database } from '../storage/database.ts'
import { PeerRoom } from './peer-room.ts'
import { type TestRooms, testRooms } from './rooms.ts'

/** A public room of Alice's, in which Bob and Carol are, and `@me:here.test` by the last line. */
const ROOM = [
  'CREATE: alice create',
  'JA: alice join',
  'PL: alice power alice=100 bob=50',
  'JR: alice rule public',
  'JB: bob join',
  'JC: carol join',
  'ME: me@here.test join',
]

/** Such a room, in a version before 12 (where Alice stands above power levels, and must not be among them). */
export const peerRoom = (version: string): PeerRoom => new PeerRoom(version, ROOM)

/** A server that came into a room of others by its event `ME`. */
export interface Guest extends TestRooms {
  receive(name: string, options?: ReceiveOptions): Promise<Received>
  /** The name of the event that the current state holds at a point. */
  current(type: string, stateKey?: string): Promise<string | undefined>
  /** The names of the ends of the room's graph. */
  ends(): Promise<(string | undefined)[]>
}

export const guest = async (
  database: Database,
  peers: PeerRoom,
  options: Parameters<typeof testRooms>[1] & { omitMembers?: boolean; lacking?: readonly string[] } = {},
): Promise<Guest> => {
  const { omitMembers = false, lacking = [], ...others } = options
  const server = await testRooms(database, others)
  await peers.import(server, 'ME', { omitMembers, lacking })
  const { writer } = server.core
  return {
    ...server,
    receive: (name, how) => receiveEvent(writer, peers.event(name), how),
    current: async (type, stateKey = '') =>
      peers.nameOf((await writer.head(peers.roomId))?.entry(type, stateKey)?.eventId),
    ends: async () =>
      ((await writer.head(peers.roomId))?.extremities ?? []).map(end => peers.nameOf(end.eventId)).sort(),
  }
}

export const idsOf = (peers: PeerRoom, ...names: string[]): string[] =>
  peers.events(...names).map(event => event.eventId)
