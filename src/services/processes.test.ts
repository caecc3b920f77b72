import test from 'ava'
import { silentLog } from '../core/log.ts'
import { AccountDataReader, AccountDataWriter } from '../storage/accounts/account-data.ts'
import { FollowedStreams } from '../storage/followed-streams.ts'
import { openDatabase } from '../storage/open.ts'
import { testDatabase, testPostgres } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { Processes } from './processes.ts'
import { StreamFollower } from './stream-follower.ts'

testPostgres(
  test,
  'what one process tells all hear, in the same order, also who comes a moment later',
  async (t, db, config) => {
    const clock = new FakeClock()
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const [one, two] = [db, other].map(database => new Processes({ database, clock, log: silentLog }))
    if (one === undefined || two === undefined) return t.fail()
    const heard: [string[], string[], string[]] = [[], [], []]
    one.bulletin.on('typing', (what, position) => void heard[0].push(`${position} ${what}`))
    two.bulletin.on('typing', (what, position) => void heard[1].push(`${position} ${what}`))
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => (n % 2 === 0 ? one : two).bulletin.post('typing', `${n}`)),
    )
    await eventually('both have heard all', () => heard[0].length === 30 && heard[1].length === 30)
    t.deepEqual(heard[0], heard[1])

    await clock.advance(60_000)
    const late = new Processes({ database: other, clock, log: silentLog })
    late.bulletin.on('typing', (what, position) => void heard[2].push(`${position} ${what}`), {
      replayed: true,
    })
    late.bulletin.on('tokens', () => t.fail('nobody asked for these'))
    await one.bulletin.post('typing', 'last')
    await eventually('who came late has heard all', () => heard[2].length === 31)
    t.deepEqual(heard[2], heard[0])

    // Whoever has slept for longer than anything is kept is told to forget what they know.
    let gaps = 0
    two.bulletin.onGap(() => gaps++)
    await clock.advance(11 * 60_000)
    await one.bulletin.post('typing', 'much later')
    await eventually('it is heard', () => heard[1].length === 32)
    t.is(gaps, 1)
    for (const processes of [one, two, late]) await processes.close()
  },
)

testPostgres(
  test,
  'what is told is removed in time, but not by a clock that is ahead',
  async (t, database) => {
    const clock = new FakeClock()
    const ahead = new FakeClock(clock.now() + 86_400_000)
    const [one, wrong] = [clock, ahead].map(each => new Processes({ database, clock: each, log: silentLog }))
    if (one === undefined || wrong === undefined) return t.fail()
    const count = database.prepare('SELECT COUNT(*) AS count FROM bulletins')
    const stored = async (): Promise<number> => Number((await database.get<{ count: number }>(count))?.count)
    await one.bulletin.post('tokens', 'one')
    await wrong.bulletin.post('typing', 'another')
    t.is(await stored(), 2)
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => one.bulletin.post('typing', n)))
    await clock.advance(11 * 60_000)
    await one.bulletin.post('typing', 'last')
    t.is(await stored(), 1_002, 'the last 1,000, what has come meanwhile, and what seems to be of tomorrow')
    await one.close()
    await wrong.close()
  },
)

test('a process that is alone hears itself at once, and stores nothing', async t => {
  const database = await testDatabase(t)
  const { bulletin } = new Processes({ database, clock: new FakeClock(), log: silentLog })
  const heard: unknown[] = []
  bulletin.on('typing', what => void heard.push(what))
  const before = bulletin.position
  const stored = database.position('bulletins')
  void bulletin.post('typing', 'hello')
  t.deepEqual(heard, ['hello'])
  t.is(bulletin.position, before + 1)
  t.is(database.position('bulletins'), stored)
})

testPostgres(
  test,
  'of two processes one follows; one that stood still writes nothing when it is back',
  async (t, db, config) => {
    const clock = new FakeClock()
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const data = new AccountDataWriter(db)
    const read = new AccountDataReader(db)
    /** Stores under a name of its own, once it is let, what it has come to. */
    const follower = (database: typeof db, name: string, clock: FakeClock) => {
      const processes = new Processes({ database, clock, log: silentLog })
      const sole = processes.soleWork('test')
      let begun = 0
      let gate = Promise.resolve()
      const stream = new StreamFollower({
        ...{ name: 'test', stream: 'invites', database, clock, log: silentLog, sole },
        work: async (_, upTo) => {
          begun += 1
          const fence = sole.fence()
          await gate
          await database.commit({
            statements: [...fence, data.set(`@${name}:x`, '', 'fenced', String(upTo))],
          })
          await sole.database.commit({ statements: [data.set(`@${name}:x`, '', 'reached', String(upTo))] })
          return upTo
        },
      })
      stream.start()
      return {
        stream,
        processes,
        begun: () => begun,
        hold: () => {
          const { promise, resolve } = Promise.withResolvers<void>()
          gate = promise
          return resolve
        },
      }
    }
    const append = db.prepare('INSERT INTO nid_sequences (name, next) VALUES (?, ?)')
    const happen = async (name: string): Promise<void> => {
      await db.commit({
        statements: [{ prepared: append, rows: [[name, { stream: 'invites', offset: 0 }]] }],
      })
    }
    const reached = (name: string): Promise<string | undefined> => read.content(`@${name}:x`, '', 'reached')

    const first = follower(db, 'first', new FakeClock())
    await happen('a')
    await first.stream.caughtUp()
    t.is(await reached('first'), '1')
    const second = follower(other, 'second', clock)
    await happen('b')
    await eventually('it is followed', async () => (await reached('first')) === '2')
    await eventually('the other has heard of it', () => other.position('invites') === 2)
    await second.stream.caughtUp()
    t.is(second.begun(), 0, 'one follows, and answers for the other')

    const goOn = first.hold()
    await happen('c')
    await eventually('it has begun', () => first.begun() === 3)
    // Its time stands still, so that it does not renew its lease: the other does the work meanwhile.
    await eventually('the other takes over', async () => {
      await clock.advance(1_000)
      return (await reached('second')) === '3'
    })
    goOn()
    await first.stream.close()
    t.is(await reached('first'), '2', 'nothing of it is stored')
    t.is(await read.content('@first:x', '', 'fenced'), '2', 'nor what others commit on its behalf')
    t.is(await new FollowedStreams(db).position('test'), 3)
    await second.stream.close()
    for (const { processes } of [first, second]) await processes.close()
  },
)
