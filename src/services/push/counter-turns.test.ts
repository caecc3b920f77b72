import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { World } from '../../test-kit/push-counts.ts'
import { USERS } from '../../test-kit/push-steps.ts'
import { testRooms } from '../../test-kit/rooms.ts'
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
