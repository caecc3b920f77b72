import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'

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
