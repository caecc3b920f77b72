import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import type { RetentionSettings } from '../../core/retention.ts'
import type { Database } from '../../storage/database.ts'
import {
  type PurgeRequest,
  PurgeRequestReader,
  PurgeRequestWriter,
} from '../../storage/rooms/purge-requests.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { PurgeRequests } from './purge-requests.ts'
import { MessageRetention } from './retention.ts'
import { RoomLifetime } from './room-lifetime.ts'
import { RoomPurges } from './room-purge.ts'
import { RoomContended } from './room-writer.ts'

const ALICE = '@alice:here.test'
const DAY = 86_400_000

/** Alice's room with a message of before yesterday and one of now, and what purges it. */
const oldRoom = async (database: Database) => {
  const { core, rooms, clock } = await testRooms(database)
  const purges = new RoomPurges(core.writer)
  const { writer } = core
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const say = async (body: string) => {
    const message = { roomId, type: 'm.room.message', txnId: body, content: { body } }
    return (await rooms.sending.message(requesterOf(ALICE), message)).eventId
  }
  const old = await say('old')
  await clock.advance(2 * DAY)
  await say('new')
  const isThere = async () => (await core.context.read.events.byId(old)) !== undefined
  const setRule = (content: JsonObject) =>
    core.sender.send(roomId, { type: 'm.room.retention', stateKey: '', sender: ALICE, content })
  const retain = (settings: Partial<RetentionSettings> | undefined) =>
    new MessageRetention({
      ...{ writer, purges, clock, log: silentLog },
      settings: settings && {
        defaultLifetime: undefined,
        shortest: undefined,
        longest: undefined,
        ...settings,
      },
    }).tidy()
  const lifetime = new RoomLifetime({ writer, clock, log: silentLog, grace: undefined })
  const { memberships } = rooms
  const requests = new PurgeRequests({ writer, purges, lifetime, memberships, clock, log: silentLog })
  return { core, rooms, clock, roomId, isThere, setRule, retain, requests }
}

test('messages are deleted when their room or the settings say so, and the operator has switched it on', async t => {
  const { isThere, setRule, retain } = await oldRoom(await testDatabase(t))
  await setRule({ max_lifetime: DAY })
  await retain(undefined)
  await retain({ shortest: 3 * DAY })
  t.true(await isThere())
  await setRule({})
  await retain({})
  await retain({ defaultLifetime: 3 * DAY })
  t.true(await isThere())
  await setRule({ max_lifetime: 9 * DAY })
  await retain({ longest: DAY })
  t.false(await isThere())
})

test('a room of which this server cannot make sense keeps no other from losing its old messages', async t => {
  const database = await testDatabase(t)
  const { clock, rooms } = await oldRoom(database)
  const other = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const message = { roomId: other, type: 'm.room.message', txnId: 'old', content: { body: 'old' } }
  const { eventId } = await rooms.sending.message(requesterOf(ALICE), message)
  await rooms.sending.message(requesterOf(ALICE), { ...message, txnId: 'new' })
  await clock.advance(2 * DAY)
  const prepared = database.prepare("UPDATE rooms SET version = 'of tomorrow' WHERE room_id <> ?")
  await database.commit({ statements: [{ prepared, rows: [[other]] }] })
  const { core } = await testRooms(database, { clock })
  const { writer } = core
  await new MessageRetention({
    ...{ writer, clock, log: silentLog, purges: new RoomPurges(writer) },
    settings: { defaultLifetime: DAY, shortest: undefined, longest: undefined },
  }).tidy()
  t.is(await core.context.read.events.byId(eventId), undefined)
})

test('what operators ask for is done by the server', async t => {
  const database = await testDatabase(t)
  const { core, rooms, clock, roomId, isThere, requests } = await oldRoom(database)
  const [write, read] = [new PurgeRequestWriter(database), new PurgeRequestReader(database)]
  const ask = async (id: string, what: Partial<PurgeRequest>) => {
    const request = { roomId, before: undefined, isForced: false, ...what }
    await database.commit({ statements: [write.add(id, request, clock.now())] })
    requests.expect(clock.now())
    await eventually('it is done', async () => (await read.outcome(id)) !== undefined)
    return read.outcome(id)
  }
  requests.start()
  t.teardown(() => requests.close())
  const purged = await ask('history', { before: clock.now() - DAY })
  t.is(purged?.events, 1)
  t.false(await isThere())
  t.is((await ask('unknown', { roomId: '!nowhere' }))?.refusal, 'the room is not known here')
  t.is((await ask('room', {}))?.refusal, 'users of this server are in it')
  const gone = await ask('forced', { isForced: true })
  t.true((gone?.events ?? 0) > 5)
  t.is(await core.context.read.rooms.byId(roomId), undefined)
  t.is((await rooms.roomReading.joinedRooms(ALICE)).length, 0)
})

test('whoever may not leave a room does not keep it from going', async t => {
  const database = await testDatabase(t)
  const { core, clock, roomId } = await oldRoom(database)
  const { writer } = core
  const requests = new PurgeRequests({
    ...{ writer, clock, log: silentLog, purges: new RoomPurges(writer) },
    lifetime: new RoomLifetime({ writer, clock, log: silentLog, grace: undefined }),
    memberships: {
      leave: () =>
        Promise.reject(new MatrixError('M_FORBIDDEN', 'The policy server does not recommend this')),
      forget: async () => t.fail(),
    },
  })
  const [write, read] = [new PurgeRequestWriter(database), new PurgeRequestReader(database)]
  const request = { roomId, before: undefined, isForced: true }
  await database.commit({ statements: [write.add('all', request, clock.now())] })
  requests.start()
  t.teardown(() => requests.close())
  await eventually('it is done', async () => (await read.outcome('all')) !== undefined)
  t.is(await core.context.read.rooms.byId(roomId), undefined)
})

test('a room stays while too many write to it for its people to leave', async t => {
  const database = await testDatabase(t)
  const { core, rooms, clock, roomId } = await oldRoom(database)
  const { writer } = core
  const failures = [new RoomContended()]
  let tries = 0
  const requests = new PurgeRequests({
    ...{ writer, clock, log: silentLog, purges: new RoomPurges(writer) },
    lifetime: new RoomLifetime({ writer, clock, log: silentLog, grace: undefined }),
    memberships: {
      leave: change => {
        tries += 1
        const failure = failures.pop()
        return failure === undefined ? rooms.memberships.leave(change) : Promise.reject(failure)
      },
      forget: (userId, forgotten) => rooms.memberships.forget(userId, forgotten),
    },
  })
  const [write, read] = [new PurgeRequestWriter(database), new PurgeRequestReader(database)]
  const request = { roomId, before: undefined, isForced: true }
  await database.commit({ statements: [write.add('all', request, clock.now())] })
  requests.start()
  t.teardown(() => requests.close())
  await eventually('it was tried', () => tries === 1 && clock.sleeping > 0)
  t.not(await core.context.read.rooms.byId(roomId), undefined)
  await clock.advance(60_000)
  await eventually('it is done', async () => (await read.outcome('all')) !== undefined)
  t.is(tries, 2)
})
