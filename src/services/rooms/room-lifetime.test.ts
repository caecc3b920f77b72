import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import type { FakeClock } from '../../test-kit/fake-clock.ts'
import { FederationWorld, messagesOf, say } from '../../test-kit/federation-world.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { InvitationFollower } from '../invitations/follower.ts'
import { InvitationRecords } from '../invitations/records.ts'
import { removedRooms } from '../sync/removed-rooms.ts'
import type { RoomCore } from './index.ts'
import { RoomLifetime } from './room-lifetime.ts'
import { END } from './visible-ranges.ts'

const A = '@a:here.test'
const B = '@b:here.test'
const DAY = 24 * 3_600_000

const lifetimeOf = (core: RoomCore, clock: FakeClock, { isOff = false } = {}) =>
  new RoomLifetime({ writer: core.writer, clock, log: silentLog, grace: isOff ? undefined : DAY })

/** How many rows the tables have that belong to rooms. */
const rowsOf = async (database: Database): Promise<Record<string, number>> => {
  const tables = [
    ...['rooms', 'events', 'event_json', 'event_auth', 'room_state', 'memberships', 'room_summaries'],
    ...['forward_extremities', 'relations', 'redactions', 'room_aliases', 'abandoned_rooms', 'message_words'],
  ]
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const row = await database.get<{ n: number }>(database.prepare(`SELECT COUNT(*) AS n FROM ${table}`))
    if (row?.n !== 0) counts[table] = row?.n ?? -1
  }
  return counts
}

testDatabases(
  test,
  'a room goes when the last one has left and forgotten it, after a while',
  async (t, database) => {
    const { core, rooms, clock } = await testRooms(database)
    const { memberships, roomCreation, sending } = rooms
    const lifetime = lifetimeOf(core, clock)
    const settings = newRoom(rooms, A, { invite: [B], alias: '#tea:here.test' })
    const roomId = await roomCreation.create(settings, { isDirect: false })
    await memberships.join({ userId: B, roomId })
    const content = { msgtype: 'm.text', body: 'hello' }
    const { eventId } = await sending.message(requesterOf(B), {
      roomId,
      type: 'm.room.message',
      txnId: '1',
      content,
    })
    await sending.redaction(requesterOf(B), { roomId, redacts: eventId, txnId: '2', reason: undefined })
    await memberships.leave({ userId: A, roomId })
    await memberships.forget(A, roomId)
    const later = async () => {
      await lifetime.tidy()
      await clock.advance(DAY)
      await lifetime.tidy()
      return (await core.context.read.rooms.byId(roomId)) !== undefined
    }
    t.true(await later(), 'somebody is in it')
    await memberships.leave({ userId: B, roomId })
    const since = core.context.db.position('events')
    t.true(await later(), 'somebody has not forgotten it')
    await memberships.forget(B, roomId)
    await lifetime.tidy()
    await clock.advance(DAY - 1)
    await lifetime.tidy()
    t.not(await core.context.read.rooms.byId(roomId), undefined, 'the time is not over')
    await clock.advance(1)
    await lifetimeOf(core, clock, { isOff: true }).tidy()
    t.not(await core.context.read.rooms.byId(roomId), undefined, 'it is switched off')
    await lifetime.tidy()
    t.deepEqual(await rowsOf(database), {})
    t.is(await core.writer.head(roomId), undefined)
    t.is(await core.context.read.events.byId(eventId), undefined)
    const told = (after: number) => removedRooms(core.context.read, B, { after: 0, upTo: END, since: after })
    t.like(await told(since - 1), [{ roomId, event: { content: { membership: 'leave' } } }])
    t.deepEqual(await told(since), [], 'who has heard in time that they left does not hear it again')
    await t.notThrowsAsync(roomCreation.create(settings, { isDirect: false }), 'the alias is free')
  },
)

testDatabases(test, 'nobody stays invited to a room that is removed', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const room = newRoom(rooms, A, { invite: [B] })
  const roomId = await rooms.roomCreation.create(room, { isDirect: false })
  const { invitations } = core.context.read
  const before = await invitations.one(B, roomId)
  await lifetimeOf(core, clock).removeNow(roomId)
  const after = await invitations.one(B, roomId)
  t.like(after, { status: 'cancelled', ending: { content: { membership: 'leave' }, state_key: B } })
  t.true((after?.position ?? 0) > (before?.position ?? 0), 'clients are told')
})

testDatabases(test, 'a room of which this server cannot make sense keeps no other', async (t, database) => {
  const { rooms, clock } = await testRooms(database)
  const ids: string[] = []
  for (let count = 0; count < 2; count++) {
    const roomId = await rooms.roomCreation.create(newRoom(rooms, A), { isDirect: false })
    await rooms.memberships.leave({ userId: A, roomId })
    await rooms.memberships.forget(A, roomId)
    ids.push(roomId)
  }
  const [odd = '', other = ''] = ids
  const prepared = database.prepare("UPDATE rooms SET version = 'of tomorrow' WHERE room_id = ?")
  await database.commit({ statements: [{ prepared, rows: [[odd]] }] })
  const { core } = await testRooms(database, { clock })
  const lifetime = lifetimeOf(core, clock)
  await lifetime.tidy()
  await clock.advance(DAY)
  await lifetime.tidy()
  t.not(await core.context.read.rooms.byId(odd), undefined)
  t.is(await core.context.read.rooms.byId(other), undefined)
})

/** Bob has been in a room of Alice's server, and has forgotten it. */
const visited = async (t: ExecutionContext) => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test')
  for (const server of [a, b]) server.federation.start()
  const [alice, bob] = ['@alice:a.test', '@bob:b.test']
  const room = newRoom(a.rooms, alice, { preset: 'public_chat' })
  const roomId = await a.rooms.roomCreation.create(room, { isDirect: false })
  await say(a, alice, roomId, 'hello')
  const join = () => b.rooms.memberships.join({ userId: bob, roomId, via: ['a.test'] })
  await join()
  await b.rooms.memberships.leave({ userId: bob, roomId })
  await b.rooms.memberships.forget(bob, roomId)
  const membership = async () => (await a.core.writer.head(roomId))?.memberships.get(bob)
  await eventually('Alice’s server knows', async () => (await membership()) === 'leave')
  const lifetime = lifetimeOf(b.core, b.clock)
  const isThereLater = async () => {
    await lifetime.tidy()
    await b.clock.advance(DAY)
    await lifetime.tidy()
    return (await b.core.context.read.rooms.byId(roomId)) !== undefined
  }
  return { a, b, alice, bob, roomId, join, lifetime, isThereLater }
}

test('a room that is gone here is had again from the servers in it', async t => {
  const { b, bob, roomId, join, isThereLater } = await visited(t)
  t.false(await isThereLater())
  t.deepEqual(await rowsOf(b.database), {})
  await join()
  await say(b, bob, roomId, 'here again')
  t.deepEqual(await messagesOf(b, roomId), ['here again'])
})

test('nobody is let in anew while the events of a room are being removed', async t => {
  const { a, b, bob, roomId, join } = await visited(t)
  const stopped = lifetimeOf(b.core, b.clock)
  await stopped.close()
  await stopped.removeNow(roomId)
  await t.throwsAsync(join, { message: /being removed/ })
  t.is((await a.core.writer.head(roomId))?.memberships.get(bob), 'leave', 'nobody was asked')
  const lifetime = lifetimeOf(b.core, b.clock)
  lifetime.start()
  t.teardown(() => lifetime.close())
  await eventually('all is gone', async () => !(await b.core.context.read.going.has(roomId)))
  await join()
  await say(b, bob, roomId, 'here again')
  t.deepEqual(await messagesOf(b, roomId), ['here again'])
})

test('who comes back in time keeps a room', async t => {
  const { b, roomId, join, lifetime } = await visited(t)
  await lifetime.tidy()
  await join()
  await b.clock.advance(DAY)
  await lifetime.tidy()
  t.not(await b.core.context.read.rooms.byId(roomId), undefined)
})

test('an alias to people elsewhere keeps a room', async t => {
  const { b, bob, roomId, isThereLater } = await visited(t)
  const { write, clock } = b.core.context
  const alias = { alias: '#tea:b.test', roomId, creator: bob }
  await b.database.commit({ statements: [write.aliases.insert(alias, clock.now())] })
  t.true(await isThereLater())
  await b.rooms.directory.remove({ userId: bob, isInControl: false }, alias.alias)
  t.false(await isThereLater())
})

test('an invitation keeps a room', async t => {
  const { a, b, alice, bob, roomId, isThereLater } = await visited(t)
  const { db: database, read, serverName, clock } = b.core.context
  const records = new InvitationRecords(database)
  const follower = new InvitationFollower({ database, read, records, clock, serverName, log: silentLog })
  follower.start()
  t.teardown(() => follower.close())
  await a.rooms.memberships.invite({ sender: alice, userId: bob, roomId })
  await follower.caughtUp()
  t.true(await isThereLater())
  await b.rooms.memberships.leave({ userId: bob, roomId })
  await follower.caughtUp()
  t.false(await isThereLater())
})
