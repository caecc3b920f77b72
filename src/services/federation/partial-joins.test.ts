import test, { type ExecutionContext } from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import {
  FederationWorld,
  type Interceptor,
  messagesOf,
  say,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const ALICE = '@alice:big.test'
const BOB = '@bob:here.test'
const DAVE = '@dave:third.test'

interface Scene {
  readonly world: FederationWorld
  readonly big: WorldServer
  readonly third: WorldServer
  readonly here: WorldServer
  readonly roomId: string
  /** Requests for the room's state are answered with errors until this is called. */
  readonly open: () => void
}

const NOT_NOW = { status: 503, json: { errcode: 'M_UNKNOWN', error: 'not now' } }
const stateIsShut: Interceptor = ({ path }) =>
  path.startsWith('/_matrix/federation/v1/state') ? NOT_NOW : undefined

/** Alice's room with Dave of a third server, and many others of hers; nobody of `here` is in it yet. */
const scene = async (t: ExecutionContext, database?: Database): Promise<Scene> => {
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

const headOf = async ({ core }: WorldServer, roomId: string) => {
  const head = await core.writer.head(roomId)
  if (head === undefined) throw new Error('the room is not known')
  return head
}

/** Joins while nobody tells the members. */
const joinPartially = async ({ world, big, third, here, roomId }: Scene, userId = BOB): Promise<void> => {
  const joining = here.rooms.memberships.join({ userId, roomId, via: ['big.test'] })
  let joined = false
  void joining.then(() => {
    joined = true
  })
  while (!joined) await here.clock.advance(500)
  await joining
  // As big.test would by itself, if its sender ran.
  const join = await stateAt(big, roomId, 'm.room.member', userId)
  if (join !== undefined) await world.send(big, third, [join])
}

/** Time goes on until the room is complete. */
const completed = ({ here, roomId }: Scene): Promise<void> =>
  eventually('the room is complete', async () => {
    await here.clock.advance(5_000)
    return (await headOf(here, roomId)).partial === undefined
  })

const membersOf = async (server: WorldServer, roomId: string): Promise<string[]> => {
  const room = await server.core.context.read.rooms.byId(roomId)
  const rows = await server.core.context.read.memberships.inRoom(room?.nid ?? 0, ['join'])
  return rows.map(row => row.userId).sort()
}

/** The whole state before an event, as event IDs. */
const stateBeforeIds = async (server: WorldServer, roomId: string, event: RoomEvent): Promise<string[]> => {
  const asking = server.name === 'big.test' ? 'third.test' : 'big.test'
  const { pdu_ids } = await server.federation.history.stateIds(asking, roomId, event.eventId)
  return pdu_ids.toSorted()
}

testDatabases(test, 'a room is joined without its members, which follow', async (t, database) => {
  const s = await scene(t, database)
  await joinPartially(s)
  const head = await headOf(s.here, s.roomId)
  t.truthy(head.partial)
  t.is((await stateAt(s.here, s.roomId, 'm.room.name'))?.content['name'], 'Big')
  t.true(head.joinedMembers < 11, 'most are not known')
  t.deepEqual(head.joinedHosts().toSorted(), ['big.test', 'here.test', 'third.test'], 'but who is to be told')
  const said = await say(s.here, BOB, s.roomId, 'hello already')
  const heard = await say(s.third, DAVE, s.roomId, 'hello you')
  t.deepEqual(await s.world.send(s.third, s.here, [heard]), new Map())
  t.deepEqual(await messagesOf(s.here, s.roomId), ['hello already', 'hello you'])
  t.truthy(await stateAt(s.here, s.roomId, 'm.room.member', DAVE), 'who speaks is known by it')

  s.open()
  await completed(s)
  const everybody = [ALICE, BOB, DAVE, ...Array.from({ length: 8 }, (_, n) => `@m${n}:big.test`)].sort()
  t.deepEqual(await membersOf(s.here, s.roomId), everybody)
  t.is((await headOf(s.here, s.roomId)).joinedMembers, everybody.length)
  t.deepEqual(await s.world.send(s.here, s.big, [said]), new Map())
  t.deepEqual(await stateBeforeIds(s.here, s.roomId, said), await stateBeforeIds(s.big, s.roomId, said))
  const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  if (join === undefined) return t.fail('Bob is not in the room')
  t.deepEqual(await stateBeforeIds(s.here, s.roomId, join), await stateBeforeIds(s.big, s.roomId, join))
})

test('whoever is banned already is not heard; who turns out to have been is silenced', async t => {
  const s = await scene(t)
  // Nobody here is told of it: it is in the members that were left out.
  await s.big.rooms.memberships.ban({ sender: ALICE, userId: DAVE, roomId: s.roomId })
  await joinPartially(s)
  const unheard = await say(s.third, DAVE, s.roomId, 'spam')
  await s.world.send(s.third, s.here, [unheard])
  const banM1 = await s.big.core.sender.send(s.roomId, {
    ...{ type: 'm.room.member', sender: ALICE, stateKey: '@m1:big.test', content: { membership: 'ban' } },
  })
  t.truthy(banM1.event)
  s.open()
  await completed(s)
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  t.is((await headOf(s.here, s.roomId)).memberships.get(DAVE), 'ban')
  const after = await say(s.here, BOB, s.roomId, 'peace')
  t.deepEqual(await s.world.send(s.here, s.big, [after]), new Map(), 'nobody is led astray by it')
})
