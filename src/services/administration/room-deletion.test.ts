import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FederationWorld, say, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { AdminTasks } from '../admin-tasks.ts'
import { BlockedRooms } from '../rooms/blocked-rooms.ts'
import { RoomLifetime } from '../rooms/room-lifetime.ts'
import { DELETE_ROOM, type DeletionOrder, RoomDeletion } from './room-deletion.ts'
import { RoomShutdown } from './room-shutdown.ts'

const BOB = '@bob:b.test'
const EVE = '@eve:b.test'

const ORDER: DeletionOrder = {
  ...{ newRoomUserId: undefined, roomName: undefined, message: undefined },
  ...{ block: false, purge: true, forcePurge: false },
}

/** A server that deletes rooms. */
const deleting = ({ core, clock, rooms, database }: WorldServer) => {
  const { writer } = core
  const deletion = new RoomDeletion({
    core,
    blocked: new BlockedRooms({ database, clock, settings: [] }),
    shutdown: new RoomShutdown(core, rooms),
    lifetime: new RoomLifetime({ writer, clock, log: silentLog, grace: undefined }),
  })
  let made = 0
  const random = (size: number) => new Uint8Array(size).fill(++made)
  const actions = { [DELETE_ROOM]: deletion.perform }
  return { deletion, tasks: new AdminTasks({ database, clock, log: silentLog, random, actions }) }
}

/** A room of another server's that Bob and Eve are in. */
const visitedRoom = async (t: ExecutionContext) => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  for (const server of [a, b]) server.federation.start()
  const alice = '@alice:a.test'
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, alice, { preset: 'public_chat' }), {
    isDirect: false,
  })
  for (const userId of [BOB, EVE]) await b.rooms.memberships.join({ userId, roomId, via: ['a.test'] })
  await world.send(a, b, [await say(a, alice, roomId, 'one')])
  return { world, a, b, roomId }
}

test('a room goes as soon as the others in it know that nobody here is', async t => {
  const { world, a, b, roomId } = await visitedRoom(t)
  world.intercept = ({ from, path }) =>
    from === 'b.test' && path.includes('/send/') ? 'unreachable' : undefined
  const { deletion, tasks } = deleting(b)
  tasks.start()
  t.teardown(() => tasks.close())
  const id = await deletion.schedule(tasks, BOB, roomId, ORDER)
  await t.throwsAsync(deletion.schedule(tasks, BOB, roomId, ORDER), { message: /already/ })
  const status = async () => (await tasks.one(id))?.status
  const isHere = async () => (await b.core.context.read.rooms.byId(roomId)) !== undefined
  await eventually('nobody here is in it', async () => {
    await b.clock.advance(1_000)
    return (await b.core.writer.head(roomId))?.hasHost('b.test') === false
  })
  await b.clock.advance(20_000)
  t.is(await status(), 'active')
  t.true(await isHere(), 'it is still needed')
  world.intercept = () => undefined
  const before = b.clock.now()
  await eventually('it is done', async () => {
    await b.clock.advance(1_000)
    return (await status()) === 'complete'
  })
  t.true(b.clock.now() - before < 4 * 60_000)
  t.false(await isHere())
  const head = await a.core.writer.head(roomId)
  t.deepEqual([head?.memberships.get(BOB), head?.memberships.get(EVE)], ['leave', 'leave'])
  const task = await tasks.one(id)
  t.deepEqual(task && deletion.status(task).shutdown.kicked_users.toSorted(), [BOB, EVE])
})

test('of two who delete a room in the same moment the second is refused', async t => {
  const { b, roomId } = await visitedRoom(t)
  const { deletion, tasks } = deleting(b)
  const order = { ...ORDER, purge: false }
  const both = await Promise.allSettled([
    deletion.schedule(tasks, BOB, roomId, order),
    deletion.schedule(tasks, EVE, roomId, order),
  ])
  t.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const refused = both.find(each => each.status === 'rejected')
  t.like(refused?.reason, { errcode: 'M_UNKNOWN', status: 400 })
  t.is((await tasks.list({ resourceId: roomId })).length, 1)
})

test('whom nobody hears is not waited for for ever, and a stop takes nothing away', async t => {
  const { world, b, roomId } = await visitedRoom(t)
  world.intercept = ({ from, path }) =>
    from === 'b.test' && path.includes('/send/') ? 'unreachable' : undefined
  const [first, second] = [deleting(b), deleting(b)]
  const order = { ...ORDER, newRoomUserId: BOB, message: 'Gone' }
  first.tasks.start()
  const id = await first.deletion.schedule(first.tasks, BOB, roomId, order)
  await first.tasks.close()
  second.tasks.start()
  t.teardown(() => second.tasks.close())
  await eventually('it is done', async () => {
    await b.clock.advance(10_000)
    return (await second.tasks.one(id))?.status === 'complete'
  })
  t.is(await b.core.context.read.rooms.byId(roomId), undefined)
  const rooms = await b.core.context.read.memberships.ofUser(EVE, ['join'])
  t.is(rooms.length, 1, 'there is one new room')
  const task = await second.tasks.one(id)
  t.is(task && second.deletion.status(task).shutdown.new_room_id, rooms[0]?.roomId ?? '')
})

test('where somebody cannot be taken out, only force removes the room', async t => {
  const { b, roomId } = await visitedRoom(t)
  b.rooms.memberships.leaveChecks.push(async ({ userId }) => {
    if (userId === EVE) throw new Error('not she')
  })
  const { deletion, tasks } = deleting(b)
  await t.throwsAsync(deletion.run(tasks, BOB, roomId, ORDER), { message: /still in the room/ })
  const [failed] = await tasks.list({})
  t.like(failed && deletion.status(failed), {
    ...{ status: 'failed', shutdown: { kicked_users: [BOB], failed_to_kick_users: [EVE] } },
  })
})

test('who is invited is taken out like those who are in the room', async t => {
  const world = new FederationWorld(t)
  const b = await world.add('b.test')
  const room = newRoom(b.rooms, BOB, { invite: [EVE] })
  const roomId = await b.rooms.roomCreation.create(room, { isDirect: false })
  const { deletion, tasks } = deleting(b)
  tasks.start()
  t.teardown(() => tasks.close())
  const { kicked_users, failed_to_kick_users } = await deletion.run(tasks, BOB, roomId, ORDER)
  t.deepEqual([kicked_users.toSorted(), failed_to_kick_users], [[BOB, EVE], []])
  t.is(
    (await b.core.context.read.invitations.one(EVE, roomId))?.status,
    'cancelled',
    'she has declined nothing',
  )
})

test('who of another server is invited to a room that goes is invited no more', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  for (const server of [a, b]) server.federation.start()
  const alice = '@alice:a.test'
  const room = newRoom(b.rooms, BOB, { invite: [alice, EVE] })
  const roomId = await b.rooms.roomCreation.create(room, { isDirect: false })
  const stands = async () => (await a.core.context.read.invitations.one(alice, roomId))?.status
  t.is(await stands(), 'invited')
  const { deletion, tasks } = deleting(b)
  tasks.start()
  t.teardown(() => tasks.close())
  const { kicked_users } = await deletion.run(tasks, BOB, roomId, ORDER)
  t.deepEqual(kicked_users.toSorted(), [BOB, EVE], 'those of this server alone')
  await eventually('she is invited no more', async () => (await stands()) === 'cancelled')
  await eventually('the room goes', async () => {
    await b.clock.advance(1_000)
    return (await b.core.context.read.rooms.byId(roomId)) === undefined
  })
})
