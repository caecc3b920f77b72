import test from 'ava'
import { DEFAULT_CACHE_BUDGET, setCacheBudget } from '../../core/caches.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { World } from '../../test-kit/push-counts.ts'
import { USERS } from '../../test-kit/push-steps.ts'
import { testRooms } from '../../test-kit/rooms.ts'

const [alice, bob] = USERS
const IN_MAIN = { thread: 'main', isChild: false, hops: 0 }

testDatabases(
  test,
  'a message counts once, and people can leave, though more rooms speak at a time than are remembered',
  async (t, database) => {
    const rooms = await testRooms(database)
    const world = new World(rooms, database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const { roomId, roomNid, model } = world
    await world.enterRoom()
    const other = { roomId: world.roomId, roomNid: world.roomNid, model: world.model }
    await world.pause()
    for (const room of [{ roomId, roomNid, model }, other, { roomId, roomNid, model }]) {
      Object.assign(world, room)
      await world.say(alice, {}, IN_MAIN)
    }
    setCacheBudget(0)
    const resumed = world.resume()
    setCacheBudget(DEFAULT_CACHE_BUDGET)
    await resumed
    t.is(await world.unread(bob), 'main 2/0')
    await world.say(alice, {}, IN_MAIN)
    await world.settled()
    world.push.unread.forget()
    t.is(await world.unread(bob), 'main 3/0')
    await world.go(bob)
    await world.go(bob)
    await world.say(alice, {}, IN_MAIN)
    await world.settled()
    t.is(await world.unread(bob), 'main 1/0')
  },
)
