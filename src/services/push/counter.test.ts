import test from 'ava'
import { DatabaseUnavailable } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import type { FakeClock } from '../../test-kit/fake-clock.ts'
import { World } from '../../test-kit/push-counts.ts'
import { USERS } from '../../test-kit/push-steps.ts'
import { testRooms } from '../../test-kit/rooms.ts'

const [ANN, BOB, CAROL] = USERS
const IN_MAIN = { thread: 'main', isChild: false, hops: 0 }

/** Lets time pass until something is over: what has failed is tried again a second after what was under way has ended. */
const passing = async (clock: FakeClock, promise: Promise<unknown>): Promise<void> => {
  let isOver = false
  const over = promise.finally(() => {
    isOver = true
  })
  await eventually('it is over', async () => {
    await clock.advance(1_000)
    return isOver
  })
  await over
}

testDatabases(
  test,
  'an event is told with its counts before it is stored whom it notifies, and nothing is lost if it cannot be',
  async (t, database) => {
    /** What commits of notifications wait for. */
    let gate = Promise.resolve()
    const gated = {
      ...delegate(database),
      commit: async (set: Parameters<typeof database.commit>[0]) => {
        if (set.statements.some(({ prepared }) => prepared.sql.includes('INTO group_actions'))) await gate
        return database.commit(set)
      },
    }
    const world = new World(await testRooms(gated), gated)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const { counter } = world.push
    const position = () => database.position('events')

    t.is(await world.unread(BOB), '')
    let open = Promise.withResolvers<void>()
    gate = open.promise
    for (let n = 1; n <= 3; n++) {
      await world.say(ANN, {}, IN_MAIN)
      await counter.judged(position())
      t.is(await world.unread(BOB), `main ${n}/0`)
    }
    t.true(counter.reached < position())
    // Whose counts are not known yet waits for what they are counted from.
    const counted = world.unread(CAROL)
    open.resolve()
    t.is(await counted, 'main 3/0')
    await counter.counted(position())

    open = Promise.withResolvers()
    gate = open.promise
    await world.say(ANN, {}, IN_MAIN)
    await counter.judged(position())
    t.is(await world.unread(CAROL), 'main 4/0')
    open.reject(new DatabaseUnavailable('the disk is full'))
    gate = Promise.resolve()
    await passing(world.test.clock, counter.counted(position()))
    t.is(await world.unread(BOB), 'main 4/0')
    await world.pause()
    await world.resume()
    t.is(await world.unread(BOB), 'main 4/0', 'as it is stored')
  },
)

testDatabases(
  test,
  'who is notified together is stored again with what notifies them, if it could not be',
  async (t, database) => {
    const full = Promise.withResolvers<void>()
    let isFull = true
    const failing = {
      ...delegate(database),
      commit: async (set: Parameters<typeof database.commit>[0]) => {
        const isNotice = set.statements.some(({ prepared }) => prepared.sql.includes('INTO group_actions'))
        if (!isFull || !isNotice) return database.commit(set)
        isFull = false
        full.resolve()
        throw new DatabaseUnavailable('the disk is full')
      },
    }
    const world = new World(await testRooms(failing), failing)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    await world.say(ANN, {}, IN_MAIN)
    await full.promise
    await passing(world.test.clock, world.settled())
    await world.say(ANN, {}, IN_MAIN)
    await world.settled()
    await world.pause()
    await world.resume()
    t.is(await world.unread(BOB), 'main 2/0')
    t.is((await world.notifications(CAROL)).length, 2)
  },
)

testDatabases(
  test,
  'an event notifies though something could not be read when it was to be judged, unless it never can be',
  async (t, database) => {
    let failures = 0
    const failing: typeof database = {
      ...delegate(database),
      scan: (prepared, parameters) => {
        const isOfMembers = /^SELECT user_id, event_nid, position FROM memberships/.test(prepared.sql)
        if (!isOfMembers || failures === 0) return database.scan(prepared, parameters)
        failures -= 1
        throw new DatabaseUnavailable('the connection to the database was lost')
      },
    }
    const world = new World(await testRooms(failing), failing)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    const { clock } = world.test
    const saidMeanwhile = async (howMany: number): Promise<void> => {
      await world.pause()
      failures = howMany
      await world.say(ANN, {}, IN_MAIN)
      await passing(clock, world.resume())
      // Nobody waits for the counts while they fail again and again.
      await passing(
        clock,
        eventually('all is judged', () => world.push.counter.reached >= database.position('events')),
      )
    }
    await saidMeanwhile(1)
    t.is(await world.unread(BOB), 'main 1/0')
    await saidMeanwhile(9)
    t.is(await world.unread(BOB), 'main 2/0')
    await saidMeanwhile(10)
    t.deepEqual([failures, await world.unread(BOB)], [0, 'main 2/0'], 'it holds up nothing for good')
    await world.say(ANN, {}, IN_MAIN)
    await world.settled()
    t.is(await world.unread(BOB), 'main 3/0')
  },
)

testDatabases(test, 'the members of a room are not read anew for rules of others', async (t, database) => {
  let reads = 0
  const counting: typeof database = {
    ...delegate(database),
    scan: (prepared, parameters) => {
      if (/^SELECT user_id, event_nid, position FROM memberships/.test(prepared.sql)) reads += 1
      return database.scan(prepared, parameters)
    },
  }
  const world = new World(await testRooms(counting), counting)
  t.teardown(() => world.push.close())
  await world.enterRoom()
  const rule = { kind: 'sender', ruleId: '@eve:here.test' }
  const readsAfter = async (change: Promise<unknown>): Promise<number> => {
    await change
    reads = 0
    await world.say(ANN, {}, IN_MAIN)
    await world.settled()
    return reads
  }
  await readsAfter(Promise.resolve())
  const { pushRules } = world.push.services
  t.is(await readsAfter(pushRules.put('@stranger:here.test', rule, { actions: [] }, {})), 0)
  t.is(await readsAfter(world.mute(BOB)), 1)
  t.is(await world.unread(BOB), 'main 2/0')
})
