import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import type { Database } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const CAROL = '@carol:here.test'

const upgraded = (
  { rooms }: TestRooms,
  userId: string,
  roomId: string,
  to: string,
  additionalCreators: readonly string[] = [],
): Promise<string> =>
  rooms.roomUpgrades.upgrade(userId, roomId, {
    version: rooms.roomSettings.versionFor(to),
    additionalCreators,
  })

const stateOf = ({ rooms }: TestRooms, roomId: string, type: string): Promise<JsonObject> =>
  rooms.roomReading.stateEvent(requesterOf(ALICE), { roomId, type, stateKey: '', format: 'content' })

const setState = ({ rooms }: TestRooms, roomId: string, type: string, text: string) =>
  rooms.sending.state(requesterOf(ALICE), {
    ...{ roomId, type, stateKey: '' },
    content: parseJson(text) as JsonObject,
  })

test('a room whose state has numbers that its replacement does not know is replaced all the same', async t => {
  const here = await testRooms(await testDatabase(t))
  for (const to of ['6', '11', '12']) {
    const version = here.rooms.roomSettings.versionFor('5')
    const roomId = await here.rooms.roomCreation.create(newRoom(here.rooms, ALICE, { version }), {
      isDirect: false,
    })
    await setState(here, roomId, 'm.room.avatar', '{"url":"mxc://a/b","info":{"w":1.5,"h":[2.0,1e30]}}')
    const levels = `{"users":{"${ALICE}":100},"events_default":5,"org.example":{"odd":0.5}}`
    await setState(here, roomId, 'm.room.power_levels', levels)
    const replacement = await upgraded(here, ALICE, roomId, to)
    t.deepEqual(await stateOf(here, replacement, 'm.room.avatar'), {
      ...{ url: 'mxc://a/b', info: { w: 1, h: [2, Number.MAX_SAFE_INTEGER] } },
    })
    t.like(await stateOf(here, replacement, 'm.room.power_levels'), {
      ...{ events_default: 5, 'org.example': { odd: 0 } },
    })
    t.is((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'], replacement)
  }
})

test('whoever may not close the old room to others replaces it all the same', async t => {
  const here = await testRooms(await testDatabase(t))
  const version = here.rooms.roomSettings.versionFor('10')
  const roomId = await here.rooms.roomCreation.create(
    newRoom(here.rooms, ALICE, { version, preset: 'public_chat' }),
    { isDirect: false },
  )
  await here.rooms.memberships.join({ userId: BOB, roomId })
  const levels = `{"users":{"${ALICE}":100},"users_default":60,"state_default":50}`
  await setState(here, roomId, 'm.room.power_levels', levels)
  const replacement = await upgraded(here, BOB, roomId, '11')
  t.is((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'], replacement)
  t.is((await stateOf(here, roomId, 'm.room.power_levels'))['events_default'], undefined)
})

test('two administrators who replace a room one after the other make one replacement', async t => {
  const here = await testRooms(await testDatabase(t))
  const room = newRoom(here.rooms, ALICE, {
    ...{ version: here.rooms.roomSettings.versionFor('10'), preset: 'public_chat' },
    powerLevelOverride: { users: { [ALICE]: 100, [BOB]: 100 } },
  })
  const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
  for (const userId of [BOB, CAROL]) await here.rooms.memberships.join({ userId, roomId })
  const replacement = await upgraded(here, ALICE, roomId, '11')
  t.is(await upgraded(here, BOB, roomId, '11'), replacement)
  await t.throwsAsync(upgraded(here, CAROL, roomId, '11'), { message: 'You may not replace this room' })
  await here.clock.advance(600_000)
  const another = await upgraded(here, BOB, roomId, '11')
  t.not(another, replacement)
  t.is((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'], another)
})

test('a room that is replaced again has its next replacement open to everybody as well', async t => {
  const here = await testRooms(await testDatabase(t))
  for (const to of ['11', '12']) {
    const room = newRoom(here.rooms, ALICE, {
      ...{ version: here.rooms.roomSettings.versionFor('10'), preset: 'public_chat' },
      powerLevelOverride: { events_default: 3 },
    })
    const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
    for (let turn = 1; turn <= 3; turn++) {
      const replacement = await upgraded(here, ALICE, roomId, to)
      t.like(await stateOf(here, replacement, 'm.room.power_levels'), { events_default: 3, invite: 0 })
      t.like(await stateOf(here, roomId, 'm.room.power_levels'), { events_default: 50, invite: 50 })
      await here.clock.advance(600_000)
    }
  }
})

test('who had all power by having made the room keeps it, where no levels said so', async t => {
  const here = await testRooms(await testDatabase(t), { serverName: 'alice.test' })
  const maker = '@alice:alice.test'
  const peers = new PeerRoom('10', ['CREATE: alice create', 'JA: alice join', 'JR: alice rule public'])
  peers.add('JC: cat@alice.test join')
  await peers.import(here, 'JC')
  const { roomId } = peers
  const levelsOf = (room: string) =>
    here.rooms.roomReading.stateEvent(requesterOf(maker), {
      ...{ roomId: room, type: 'm.room.power_levels', stateKey: '', format: 'content' },
    })
  const users = { [maker]: 100 }
  for (let turn = 1; turn <= 2; turn++) {
    const replacement = await upgraded(here, maker, roomId, '11')
    t.like(await levelsOf(replacement), { users, events_default: 0, invite: 0 })
    t.like(await levelsOf(roomId), { users, events_default: 50, invite: 50 })
    await here.clock.advance(600_000)
  }
})

test('a request that names creators twice, or who makes it, is the same when it comes again', async t => {
  const here = await testRooms(await testDatabase(t))
  const version = here.rooms.roomSettings.versionFor('10')
  const roomId = await here.rooms.roomCreation.create(newRoom(here.rooms, ALICE, { version }), {
    isDirect: false,
  })
  // Whoever is to have all power is not banned by it.
  await here.rooms.memberships.ban({ sender: ALICE, userId: BOB, roomId })
  const creators = [CAROL, ALICE, BOB, CAROL]
  const replacement = await upgraded(here, ALICE, roomId, '12', creators)
  t.deepEqual((await stateOf(here, replacement, 'm.room.create'))['additional_creators'], [CAROL, BOB])
  t.is(await upgraded(here, ALICE, roomId, '12', creators), replacement)
  t.is(await upgraded(here, ALICE, roomId, '12', [BOB, CAROL]), replacement)
  t.not(await upgraded(here, ALICE, roomId, '12', [BOB]), replacement)
})

test('a space of thousands of rooms is replaced little by little', async t => {
  const database = await testDatabase(t)
  let longest = 0
  const commit: Database['commit'] = set => {
    longest = Math.max(longest, set.statements.length)
    return database.commit(set)
  }
  const here = await testRooms({ ...delegate(database), commit })
  const initialState = Array.from({ length: 800 }, (_, index) => ({
    ...{ type: 'm.space.child', stateKey: `!${index}`, content: { via: ['here.test'] } },
  }))
  const room = newRoom(here.rooms, ALICE, { initialState, creationContent: { type: 'm.space' } })
  const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
  const whole = longest
  longest = 0
  const replacement = await upgraded(here, ALICE, roomId, '11')
  t.true(longest < whole * 0.7, `${longest} statements after ${whole}`)
  const head = await here.core.writer.head(replacement)
  const children = [...(head?.state.values() ?? [])].filter(({ type }) => type === 'm.space.child')
  t.is(children.length, 800)
})

testDatabases(
  test,
  'two processes that replace a room at the same moment make one replacement',
  async (t, database, config) => {
    const { openDatabase } = await import('../../storage/open.ts')
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const random = (first: number) => {
      let next = first
      return (size: number) => Uint8Array.from({ length: size }, () => next++ % 251)
    }
    const processes = [
      await testRooms(database, { random: random(1) }),
      await testRooms(other, { random: random(100) }),
    ] as const
    const [here] = processes
    const version = here.rooms.roomSettings.versionFor('10')
    const room = newRoom(here.rooms, ALICE, { version, isPublic: true, preset: 'public_chat' })
    const roomId = await here.rooms.roomCreation.create(room, { isDirect: false })
    const made = await Promise.all(processes.map(one => upgraded(one, ALICE, roomId, '11')))
    const [replacement = ''] = made
    t.deepEqual(made, [replacement, replacement])
    t.is((await stateOf(here, roomId, 'm.room.tombstone'))['replacement_room'], replacement)
    t.deepEqual(
      (await here.rooms.roomReading.joinedRooms(ALICE)).toSorted(),
      [roomId, replacement].toSorted(),
    )
  },
)
