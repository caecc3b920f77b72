/** Two homeservers that share a room, as most tests of federation begin. */
import type { ExecutionContext } from 'ava'
import { buildEvent } from '../core/event/builder.ts'
import type { RoomEvent } from '../core/event/event.ts'
import type { JsonObject } from '../core/json.ts'
import type { NewRoom } from '../services/rooms/room-templates.ts'
import { FederationWorld, type WorldServer } from './federation-world.ts'
import { newRoom } from './rooms.ts'

export const ALICE = '@alice:a.test'
export const BOB = '@bob:b.test'
export const CAROL = '@carol:c.test'

export interface Pair {
  readonly world: FederationWorld
  readonly a: WorldServer
  readonly b: WorldServer
}

/** Starts the two servers. */
export const pair = async (t: ExecutionContext, database?: WorldServer['database']): Promise<Pair> => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', database === undefined ? {} : { database })
  return { world, a, b }
}

/** Makes a room of Alice's on her server. */
export const makeRoom = ({ rooms }: WorldServer, fields: Partial<NewRoom> = { preset: 'public_chat' }) =>
  rooms.roomCreation.create(newRoom(rooms, ALICE, fields), { isDirect: false })

/** A room of Alice on `a` that Bob has joined from `b`. */
export const sharedRoom = async (p: Pair, fields?: Partial<NewRoom>): Promise<string> => {
  const roomId = await makeRoom(p.a, fields)
  await p.b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  return roomId
}

/** Builds an event as a server that keeps to no rules would. */
export const forge = async (
  server: WorldServer,
  roomId: string,
  fields: {
    sender: string
    type?: string
    stateKey?: string
    content?: JsonObject
    prevEvents?: string[]
    depth?: number
  },
  key = server.core.signingKey,
): Promise<RoomEvent> => {
  const head = await server.core.writer.head(roomId)
  if (head === undefined) throw new Error('no such room')
  const auth = [
    ['m.room.power_levels', ''],
    ['m.room.member', fields.sender],
  ].flatMap(([type = '', stateKey = '']) => head.entry(type, stateKey)?.eventId ?? [])
  return buildEvent(
    {
      version: head.version,
      roomId,
      type: 'm.room.message',
      content: { body: 'forged', msgtype: 'm.text' },
      prevEvents: head.extremities.map(extremity => extremity.eventId),
      authEvents: auth,
      depth: head.nextDepth,
      originServerTs: server.clock.now(),
      ...fields,
    },
    server.name,
    key,
  )
}
