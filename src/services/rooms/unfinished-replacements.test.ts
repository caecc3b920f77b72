import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { AccountDataReader, AccountDataWriter } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'
import type { Memberships } from './memberships.ts'
import { PurgeRequests } from './purge-requests.ts'
import { RoomLifetime } from './room-lifetime.ts'
import { RoomPurges } from './room-purge.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'

const upgraded = ({ rooms }: TestRooms, userId: string, roomId: string, to: string): Promise<string> =>
  rooms.roomUpgrades.upgrade(userId, roomId, {
    version: rooms.roomSettings.versionFor(to),
    additionalCreators: [],
  })

const stateOf = ({ rooms }: TestRooms, roomId: string, type: string): Promise<JsonObject> =>
  rooms.roomReading.stateEvent(requesterOf(ALICE), { roomId, type, stateKey: '', format: 'content' })

const requestsOf = (
  t: ExecutionContext,
  { core: { writer }, clock }: TestRooms,
  memberships: Pick<Memberships, 'leave' | 'forget'>,
): PurgeRequests => {
  const requests = new PurgeRequests({
    ...{ writer, purges: new RoomPurges(writer), memberships, clock, log: silentLog },
    lifetime: new RoomLifetime({ writer, clock, log: silentLog, grace: undefined }),
  })
  t.teardown(() => requests.close())
  return requests
}

/** A public room with a ban, in a database that fails from the second commit of an upgrade on, as often as it is told. */
const fragileRoom = async (t: ExecutionContext) => {
  const database = await testDatabase(t)
  let failures = 0
  let isReplacing = false
  const commit: Database['commit'] = async set => {
    const makesRoom = set.statements.some(({ guard }) => guard?.name === 'room')
    if (isReplacing && !makesRoom && failures-- > 0) throw new Error('the disk is full')
    return database.commit(set)
  }
  const here = await testRooms({ ...delegate(database), commit })
  const version = here.rooms.roomSettings.versionFor('10')
  const room = newRoom(here.rooms, ALICE, { version, isPublic: true, preset: 'public_chat' })
  const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
  await here.rooms.memberships.ban({ sender: ALICE, userId: BOB, roomId })
  const fail = (times: number): void => {
    isReplacing = true
    failures = times
  }
  const { core, rooms } = here
  const requests = requestsOf(t, here, rooms.memberships)
  const count = () => core.context.read.rooms.count()
  const published = async () => (await core.context.read.rooms.published(0, 10)).map(one => one.roomId)
  return { here, roomId, fail, requests, published, count }
}

test('nothing stays of a replacement that could not be filled', async t => {
  const { here, roomId, fail, requests, published, count } = await fragileRoom(t)
  fail(1)
  await t.throwsAsync(upgraded(here, ALICE, roomId, '11'), { message: 'the disk is full' })
  t.deepEqual(await here.rooms.roomReading.joinedRooms(ALICE), [roomId])
  t.deepEqual(await published(), [roomId])
  const replacement = await upgraded(here, ALICE, roomId, '11')
  t.deepEqual(await published(), [replacement])
  requests.start()
  await eventually('the first is gone', async () => (await count()) === 2)
  await eventually('nothing is left to do', () => here.clock.sleeping > 0)
  await here.clock.advance(3_600_000)
  t.is((await here.core.writer.head(replacement))?.memberships.get(BOB), 'ban')
})

test('a replacement whose maker has died in the middle goes after a while', async t => {
  const { here, roomId, fail, requests, published, count } = await fragileRoom(t)
  fail(Number.POSITIVE_INFINITY)
  await t.throwsAsync(upgraded(here, ALICE, roomId, '11'))
  fail(0)
  t.deepEqual(await published(), [roomId])
  t.is((await here.rooms.roomReading.joinedRooms(ALICE)).length, 2)
  await here.clock.advance(599_000)
  requests.start()
  await eventually('it is waited for', () => here.clock.sleeping > 0)
  t.is(await count(), 2)
  await here.clock.advance(1_000)
  await eventually('it is gone', async () => (await count()) === 1)
  t.deepEqual(await here.rooms.roomReading.joinedRooms(ALICE), [roomId])
})

testDatabases(test, 'a replacement stays that was finished without anybody knowing', async (t, database) => {
  let isLost = false
  const commit: Database['commit'] = async set => {
    const committed = await database.commit(set)
    if (!isLost || !set.statements.some(({ guard }) => guard?.name === 'purge')) return committed
    isLost = false
    throw new Error('the connection is lost')
  }
  const here = await testRooms({ ...delegate(database), commit })
  const version = here.rooms.roomSettings.versionFor('10')
  const roomId = await here.rooms.roomCreation.create(newRoom(here.rooms, ALICE, { version }), {
    isDirect: false,
  })
  const tags = '{"tags":{"m.favourite":{}}}'
  const tagged = new AccountDataWriter(database).set(ALICE, roomId, 'm.tag', tags)
  await database.commit({ statements: [tagged] })
  const requests = requestsOf(t, here, here.rooms.memberships)
  isLost = true
  await t.throwsAsync(upgraded(here, ALICE, roomId, '11'), { message: 'the connection is lost' })
  const replacement = String((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'])
  requests.start()
  await eventually('there is nothing to do', () => here.clock.sleeping > 0)
  await here.clock.advance(60_000)
  t.is(await upgraded(here, ALICE, roomId, '11'), replacement)
  t.deepEqual((await here.rooms.roomReading.joinedRooms(ALICE)).toSorted(), [roomId, replacement].toSorted())
  t.is(await new AccountDataReader(database).content(ALICE, replacement, 'm.tag'), tags)
})

testDatabases(test, 'a replacement is finished or removed, whichever begins first', async (t, database) => {
  const finishing = Promise.withResolvers<void>()
  const isFinishing = Promise.withResolvers<void>()
  const leaving = Promise.withResolvers<void>()
  const isLeaving = Promise.withResolvers<void>()
  let isSlow = true
  const commit: Database['commit'] = async set => {
    const finishes = set.statements.some(({ guard }) => guard?.name === 'purge')
    if (finishes && isSlow) {
      isFinishing.resolve()
      await finishing.promise
    }
    return database.commit(set)
  }
  const here = await testRooms({ ...delegate(database), commit })
  const version = here.rooms.roomSettings.versionFor('10')
  const room = newRoom(here.rooms, ALICE, { version, isPublic: true, preset: 'public_chat' })
  const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
  const requests = requestsOf(t, here, {
    leave: async change => {
      isLeaving.resolve()
      await leaving.promise
      return here.rooms.memberships.leave(change)
    },
    forget: (userId, of) => here.rooms.memberships.forget(userId, of),
  })
  t.teardown(leaving.resolve)
  const late = t.throwsAsync(upgraded(here, ALICE, roomId, '11'), { message: /too long/ })
  await isFinishing.promise
  isSlow = false
  await here.clock.advance(600_000)
  requests.start()
  await isLeaving.promise
  finishing.resolve()
  await late
  leaving.resolve()
  const { read } = here.core.context
  await eventually('it is gone', async () => (await read.rooms.count()) === 1)
  t.deepEqual(await here.rooms.roomReading.joinedRooms(ALICE), [roomId])
  await t.throwsAsync(stateOf(here, roomId, 'm.room.tombstone'), { message: /has no m.room.tombstone/ })
  const replacement = await upgraded(here, ALICE, roomId, '11')
  await here.clock.advance(3_600_000)
  t.is((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'], replacement)
  t.is((await here.core.writer.head(replacement))?.memberships.get(ALICE), 'join')
})
