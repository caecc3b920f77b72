/** A large room on another server, joined while nobody tells its members. */
import type { ExecutionContext } from 'ava'
import { buildEvent } from '../core/event/builder.ts'
import type { RoomEvent } from '../core/event/event.ts'
import type { JsonObject } from '../core/json.ts'
import type { FederationClient } from '../network/federation-client.ts'
import type { Database } from '../storage/database.ts'
import { eventually } from './eventually.ts'
import type { Interceptor } from './federation-transport.ts'
import { FederationWorld, setState, stateAt, type WorldServer } from './federation-world.ts'
import { newRoom } from './rooms.ts'

export const ALICE = '@alice:big.test'
export const BOB = '@bob:here.test'
export const CAROL = '@carol:here.test'
export const EVE = '@eve:here.test'
export const DAVE = '@dave:third.test'

export interface Scene {
  readonly world: FederationWorld
  readonly big: WorldServer
  readonly third: WorldServer
  readonly here: WorldServer
  readonly roomId: string
  /** Requests for the room's state are answered with errors until this is called. */
  readonly open: () => void
}

export const NOT_NOW = { status: 503, json: { errcode: 'M_UNKNOWN', error: 'not now' } }
export const stateIsShut: Interceptor = ({ from, path }) =>
  from === 'here.test' && path.startsWith('/_matrix/federation/v1/state') ? NOT_NOW : undefined

/** Alice's room with Dave of a third server, and many others of hers; nobody of `here` is in it yet. */
export const scene = async (t: ExecutionContext, database?: Database): Promise<Scene> => {
  const world = new FederationWorld(t)
  const big = await world.add('big.test')
  const third = await world.add('third.test')
  const here = await world.add('here.test', database === undefined ? {} : { database })
  const fields = { preset: 'public_chat', name: 'Big' } as const
  const roomId = await big.rooms.roomCreation.create(newRoom(big.rooms, ALICE, fields), { isDirect: false })
  for (let n = 0; n < 8; n++) await big.rooms.memberships.join({ userId: `@m${n}:big.test`, roomId })
  await third.rooms.memberships.join({ userId: DAVE, roomId, via: ['big.test'] })
  world.intercept = stateIsShut
  const open = () => {
    world.intercept = () => undefined
  }
  return { world, big, third, here, roomId, open }
}

export const headOf = async ({ core }: WorldServer, roomId: string) => {
  const head = await core.writer.head(roomId)
  if (head === undefined) throw new Error('the room is not known')
  return head
}

/**
 * Joins while nobody tells the members. Time goes on for this server alone, so it may not go on with each turn of the event loop: in the
 * half second for which a busy database keeps a join waiting a day would pass, after which the keys of servers whose time stands still
 * hold no more.
 */
export const joinPartially = async (s: Scene, userId = BOB, via = 'big.test'): Promise<void> => {
  const { here, roomId } = s
  let isOver = false
  const joining = here.rooms.memberships.join({ userId, roomId, via: [via] }).finally(() => {
    isOver = true
  })
  joining.catch(() => undefined)
  await eventually('the join is answered', async () => {
    await here.clock.advance(500)
    return isOver
  })
  await joining
  await tellOfJoin(s, userId)
}

/** The same where servers answer: no time passes, so that whatever waits for them so long at most is not over, under load, before they do. */
export const joinAnswered = async (s: Scene, userId = BOB): Promise<void> => {
  await s.here.rooms.memberships.join({ userId, roomId: s.roomId, via: ['big.test'] })
  await tellOfJoin(s, userId)
}

const tellOfJoin = async ({ world, big, third, roomId }: Scene, userId: string): Promise<void> => {
  // As big.test would by itself, if its sender ran.
  const join = await stateAt(big, roomId, 'm.room.member', userId)
  if (join !== undefined) await world.send(big, third, [join])
}

/** Time goes on until the room is complete. */
export const completed = ({ here, roomId }: Scene, stepMs = 5_000): Promise<void> =>
  eventually('the room is complete', async () => {
    await here.clock.advance(stepMs)
    const room = await here.core.context.read.rooms.byId(roomId)
    return (await here.core.context.read.partial.open(room?.nid ?? 0)) === undefined
  })

export const membersOf = async (server: WorldServer, roomId: string): Promise<string[]> => {
  const room = await server.core.context.read.rooms.byId(roomId)
  const rows = await server.core.context.read.memberships.inRoom(room?.nid ?? 0, ['join'])
  return rows.map(row => row.userId).sort()
}

/** The whole state before an event, as event IDs. */
export const stateBeforeIds = async (
  server: WorldServer,
  roomId: string,
  event: RoomEvent,
): Promise<string[]> => {
  const asking = server.name === 'big.test' ? 'third.test' : 'big.test'
  const { pdu_ids } = await server.federation.history.stateIds(asking, roomId, event.eventId, () => {})
  return pdu_ids.toSorted()
}

/** What Dave's server says in his name, whatever it knows of the room: after an event, by his former membership. */
export const byDave = async (
  { big, third, roomId }: Scene,
  after: RoomEvent,
  {
    membership,
    ...template
  }: { type: string; stateKey?: string; content: JsonObject; membership: RoomEvent },
): Promise<RoomEvent> => {
  const powers = await stateAt(big, roomId, 'm.room.power_levels')
  return buildEvent(
    {
      ...{ version: after.version, roomId, sender: DAVE, ...template, originServerTs: third.clock.now() },
      ...{ prevEvents: [after.eventId], depth: after.depth + 1 },
      authEvents: [powers?.eventId ?? '', membership.eventId],
    },
    'third.test',
    third.core.signingKey,
  )
}

/** Dave sets the topic, which big.test has and tells whoever joins. */
export const topicByDave = async ({ world, big, third, roomId }: Scene): Promise<void> => {
  const content = { users: { [DAVE]: 50 } }
  await world.send(big, third, [await setState(big, ALICE, roomId, { type: 'm.room.power_levels', content })])
  const topic = { type: 'm.room.topic', content: { topic: 'Dave was here' } }
  await world.send(third, big, [await setState(third, DAVE, roomId, topic)])
}

/** What a server answers to a join. */
export type JoinAnswer = Awaited<ReturnType<FederationClient['sendJoin']>>

/** What big.test answers to the join is changed on its way; perhaps it is asked for all members. */
export const answering = async (
  { here }: Scene,
  change: (answer: JoinAnswer) => JoinAnswer,
  omitMembers = true,
): Promise<void> => {
  const { sendJoin } = here.client
  Object.assign(here.client, {
    sendJoin: async (server: string, request: Parameters<typeof sendJoin>[1]) =>
      change(await sendJoin(server, { ...request, omitMembers })),
  })
}
