import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import { nextTurn } from '../next-turn.ts'

testDatabases(test, 'what is too much for one response comes with the next', async (t, database) => {
  const rooms = await testRooms(database)
  const { streams } = testSync(rooms, database)
  const sliding = testSlidingSync(rooms, streams, database)
  const userId = `@me:${rooms.core.context.serverName}`
  for (let n = 0; n < 4; n++) {
    const roomId = await rooms.rooms.roomCreation.create(newRoom(rooms.rooms, userId, {}), {
      isDirect: false,
    })
    for (let said = 0; said < 60; said++) {
      const content = { msgtype: 'm.text', body: 'x'.repeat(60_000) }
      await rooms.core.sender.send(roomId, { type: 'm.room.message', sender: userId, content })
    }
  }
  const { signal } = new AbortController()
  const look = async (pos?: string) => {
    const asked = { body: { lists: { all: { timeline_limit: 60 } } }, pos, timeoutMs: 0 }
    return JSON.parse(await sliding.simplified(requesterOf(userId), asked, signal))
  }
  const first = await look()
  const second = await look(first.pos)
  t.deepEqual(
    [first, second].map(({ rooms }) => Object.keys(rooms).length),
    [3, 1],
  )
  t.is(new Set([...Object.keys(first.rooms), ...Object.keys(second.rooms)]).size, 4)
})

testDatabases(test, 'rooms with all their members are made a few at a time', async (t, database) => {
  const rooms = await testRooms(database)
  const { streams, close } = testSync(rooms, database)
  t.teardown(close)
  const sliding = testSlidingSync(rooms, streams, database)
  const userId = '@me:here.test'
  for (let n = 0; n < 12; n++)
    await rooms.rooms.roomCreation.create(newRoom(rooms.rooms, userId), { isDirect: false })
  const { state } = rooms.core.views
  const { ofTypes } = state
  let [underWay, most] = [0, 0]
  state.ofTypes = async (...given) => {
    most = Math.max(most, ++underWay)
    await nextTurn()
    const found = await ofTypes.apply(state, given)
    underWay -= 1
    return found
  }
  const { signal } = new AbortController()
  const lists = { all: { timeline_limit: 1, required_state: [['*', '*']] as [string, string][] } }
  const asked = { body: { lists }, pos: undefined, timeoutMs: 0 }
  const told = await sliding.simplified(requesterOf(userId), asked, signal)
  t.is(Object.keys(JSON.parse(told).rooms).length, 12)
  t.true(most > 1 && most <= 4, `${most}`)
})

testDatabases(test, 'a room that was left and forgotten elsewhere does not stay', async (t, database) => {
  const rooms = await testRooms(database)
  const { streams, close } = testSync(rooms, database)
  t.teardown(close)
  const sliding = testSlidingSync(rooms, streams, database)
  const [host, userId] = ['@host:here.test', '@me:here.test']
  const roomId = await rooms.rooms.roomCreation.create(
    newRoom(rooms.rooms, host, { preset: 'public_chat' }),
    { isDirect: false },
  )
  const { memberships } = rooms.rooms
  await memberships.join({ userId, roomId })
  const { signal } = new AbortController()
  const look = async (pos?: string) => {
    const asked = { body: { lists: { all: { timeline_limit: 1 } } }, pos, timeoutMs: 0 }
    return JSON.parse(await sliding.simplified(requesterOf(userId), asked, signal))
  }
  const { pos } = await look()
  await memberships.kick({ sender: host, userId, roomId })
  await memberships.forget(userId, roomId)
  const told = await look(pos)
  t.is(told.rooms[roomId]?.membership, 'leave')
  t.deepEqual((await look(told.pos)).rooms, {}, 'once')
  t.deepEqual((await look()).rooms, {}, 'nor to a client that has never heard of it')
})

testDatabases(
  test,
  'what rooms are is read once, and again where something has happened',
  async (t, database) => {
    const rooms = await testRooms(database)
    const { streams, close } = testSync(rooms, database)
    t.teardown(close)
    const sliding = testSlidingSync(rooms, streams, database)
    const userId = '@me:here.test'
    const create = () => rooms.rooms.roomCreation.create(newRoom(rooms.rooms, userId), { isDirect: false })
    const [one, two] = [await create(), await create()]
    const { summaries } = rooms.core.context.read
    const read: number[] = []
    const { ofRooms } = summaries
    summaries.ofRooms = nids => {
      read.push(nids.length)
      return ofRooms.call(summaries, nids)
    }
    const { signal } = new AbortController()
    const body = { lists: { secret: { timeline_limit: 1, filters: { is_encrypted: true } } } }
    const look = async (pos?: string) =>
      JSON.parse(await sliding.simplified(requesterOf(userId), { body, pos, timeoutMs: 0 }, signal))
    const first = await look()
    t.is(first.lists.secret.count, 0)
    const second = await look(first.pos)
    t.deepEqual(read, [2])
    const content = { algorithm: 'm.megolm.v1.aes-sha2' }
    await rooms.core.sender.send(one, { type: 'm.room.encryption', stateKey: '', sender: userId, content })
    const third = await look(second.pos)
    t.deepEqual(Object.keys(third.rooms), [one])
    t.deepEqual(read, [2, 1])
    await rooms.core.sender.send(two, { type: 'm.room.message', sender: userId, content: {} })
    t.is((await look(third.pos)).lists.secret.count, 1)
    t.deepEqual(read, [2, 1, 1])
  },
)

testDatabases(
  test,
  'who waits as the server stops goes on from what they are answered then',
  async (t, database) => {
    const rooms = await testRooms(database)
    const { streams, close } = testSync(rooms, database)
    t.teardown(close)
    const userId = '@me:here.test'
    const creation = newRoom(rooms.rooms, userId)
    const roomId = await rooms.rooms.roomCreation.create(creation, { isDirect: false })
    const { signal } = new AbortController()
    const slide = async (sliding: typeof before, pos?: string, timeoutMs = 0) => {
      const asked = { body: { lists: { all: { timeline_limit: 1 } } }, pos, timeoutMs }
      return JSON.parse(await sliding.simplified(requesterOf(userId), asked, signal))
    }
    const before = testSlidingSync(rooms, streams, database)
    const { pos } = await slide(before)
    let isAnswered = false
    const waiting = slide(before, pos, 60_000)
    void waiting.then(() => (isAnswered = true))
    const closing = before.close().then(() => isAnswered)
    const content = { msgtype: 'm.text', body: 'hello' }
    await rooms.core.sender.send(roomId, { type: 'm.room.message', sender: userId, content })
    const answer = await waiting
    t.deepEqual(Object.keys(answer.rooms), [roomId])
    t.true(await closing)
    const after = testSlidingSync(rooms, streams, database)
    t.deepEqual((await slide(after, answer.pos)).rooms, {}, 'that was stored, too')
    t.deepEqual(Object.keys((await slide(after, pos)).rooms), [roomId], 'or told again')
  },
)
