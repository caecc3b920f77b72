import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { delegate } from '../../storage/delegate.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { World } from '../../test-kit/push-counts.ts'
import { USERS } from '../../test-kit/push-steps.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { Bulletin } from '../bulletin.ts'
import { aloneWith, type SoleWork } from '../processes.ts'
import { NotificationCounter } from './counter.ts'
import { RuleBook } from './rule-book.ts'
import { UnreadCounts } from './unread.ts'

const [alice, bob, carol] = USERS
const IN_MAIN = { thread: 'main', isChild: false, hops: 0 }

testDatabases(
  test,
  'whoever counts again after another process has counted meanwhile knows who has left and what was counted',
  async (t, database) => {
    const rooms = await testRooms(database)
    const world = new World(rooms, database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    await world.pause()
    const turns = [new AbortController(), new AbortController()] as const
    const again = Promise.withResolvers<void>()
    const [first, second] = turns.map(({ signal }) => signal)
    const sole: SoleWork = {
      ...aloneWith(database),
      run: async (closing, work) => {
        const held = { idleMs: undefined, commit: database.commit.bind(database) }
        await work({ ...held, signal: AbortSignal.any([closing, first ?? closing]) })
        await again.promise
        await work({ ...held, signal: AbortSignal.any([closing, second ?? closing]) })
      },
    }
    const { core, clock } = rooms
    const unread = new UnreadCounts(database)
    const counter = new NotificationCounter({
      ...{ context: core.context, sights: core.views.sights, rules: new RuleBook(database), unread },
      ...{ log: silentLog, clock, sole },
    })
    t.teardown(() => counter.close())
    const countOf = async (user: string): Promise<number> =>
      (await unread.ofRoom(user, world.roomNid)).total.notification_count

    counter.start()
    await world.say(alice, {}, IN_MAIN)
    await counter.counted(database.position('events'))
    t.is(await countOf(carol), 1)
    turns[0].abort()

    await world.resume()
    await world.say(alice, {}, IN_MAIN)
    await world.go(bob)
    await world.settled()
    await world.pause()

    again.resolve()
    await world.say(alice, {}, IN_MAIN)
    await counter.counted(database.position('events'))
    t.is(await new PushActionReader(database).total(bob), 0)
    t.is(await countOf(carol), 3)
  },
)

testDatabases(
  test,
  'whoever has stood still while another process counted knows what that has told meanwhile',
  async (t, database) => {
    const rooms = await testRooms(database)
    const world = new World(rooms, database)
    t.teardown(() => world.push.close())
    await world.enterRoom()
    await world.pause()
    await world.say(alice, {}, IN_MAIN)
    const { core, clock } = rooms
    // Counts nothing by itself after the first, like a process that stands still.
    const db = { ...delegate(database), onCommit: () => () => undefined }
    const bulletin = new Bulletin({ database, clock, log: silentLog })
    t.teardown(() => bulletin.close())
    const turn = new AbortController()
    const ended = Promise.withResolvers<void>()
    const sole: SoleWork = {
      ...aloneWith(database),
      others: { bulletin, clock },
      run: async (closing, work) => {
        const signal = AbortSignal.any([closing, turn.signal])
        await work({ signal, idleMs: undefined, commit: database.commit.bind(database) })
        ended.resolve()
      },
    }
    const unread = new UnreadCounts(database)
    const counter = new NotificationCounter({
      ...{ context: { ...core.context, db }, sights: core.views.sights, rules: new RuleBook(database) },
      ...{ unread, log: silentLog, clock, sole },
    })
    t.teardown(() => counter.close())
    counter.start()
    await counter.counted(database.position('events'))
    const count = async (): Promise<number> =>
      (await unread.ofRoom(carol, world.roomNid)).total.notification_count
    t.is(await count(), 1)

    await world.resume()
    await world.say(alice, {}, IN_MAIN)
    await world.settled()
    const upTo = database.position('events')
    await bulletin.post('counted', { upTo, rooms: [world.roomNid] })
    turn.abort()
    await ended.promise
    t.is(counter.horizon, upTo)
    t.is(await count(), 2)
  },
)
