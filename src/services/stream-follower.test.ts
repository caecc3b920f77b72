import test from 'ava'
import { silentLog } from '../core/log.ts'
import { AccountDataWriter } from '../storage/accounts/account-data.ts'
import type { Database } from '../storage/database.ts'
import { OutboxWriter } from '../storage/federation/outbox-writer.ts'
import { FollowedStreams } from '../storage/followed-streams.ts'
import { openDatabase } from '../storage/open.ts'
import { bothDatabases, testDatabase } from '../test-kit/database.ts'
import { eventually } from '../test-kit/eventually.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { losingAnswers } from '../test-kit/lost-answers.ts'
import { StreamFollower } from './stream-follower.ts'

test('a follower goes on where it was, and writes that down as rarely as it is told to', async t => {
  const database = await testDatabase(t)
  const data = new AccountDataWriter(database)
  const written = new FollowedStreams(database)
  const happen = async (times: number): Promise<number> => {
    for (let n = 0; n < times; n++)
      await database.commit({ statements: [data.set('@a:x', '', 'type', `{"n":${n}}`)] })
    return database.position('account_data')
  }
  const seen: number[] = []
  const follow = async (): Promise<StreamFollower> => {
    const follower = new StreamFollower({
      ...{
        name: 'test',
        stream: 'account_data',
        database,
        clock: new FakeClock(),
        log: silentLog,
        noteEvery: 10,
      },
      work: async (after, upTo) => {
        seen.push(after)
        return upTo
      },
    })
    follower.start()
    await follower.caughtUp()
    return follower
  }
  await happen(3)
  const first = await follow()
  t.is(await written.position('test'), 0, 'after a crash these three are seen again')
  await happen(9)
  await first.caughtUp()
  const noted = await written.position('test')
  t.true(noted >= 10)
  const end = await happen(1)
  await first.caughtUp()
  await first.close()
  t.is(await written.position('test'), end, 'at the end it is written down')
  seen.length = 0
  const second = await follow()
  t.deepEqual(seen, [], 'nothing is seen twice')
  await happen(1)
  await second.caughtUp()
  t.deepEqual(seen, [end])
  await second.close()
})

test('what is known to be of no concern is passed over, and how far that was is written down now and then', async t => {
  const database = await testDatabase(t)
  const written = new FollowedStreams(database)
  const seen: number[] = []
  const follower = new StreamFollower({
    ...{ name: 'test', stream: 'account_data', database, clock: new FakeClock(), log: silentLog },
    work: async (after, upTo) => {
      seen.push(after)
      return { reached: upTo, statements: [] }
    },
    passesOver: (_, upTo) => upTo !== 3,
  })
  follower.start()
  await happen(database, 1)
  await follower.caughtUp()
  seen.length = 0
  await happen(database, 1)
  await follower.caughtUp()
  t.deepEqual(seen, [], 'nobody is asked')
  await happen(database, 1)
  await follower.caughtUp()
  t.deepEqual(seen, [2], 'from there on, and not from where it was asked last')
  t.is(await written.position('test'), 0)
  await Promise.all(Array.from({ length: 1_000 }, () => happen(database, 1)))
  await follower.caughtUp()
  t.true((await written.position('test')) >= 1_000)
  await happen(database, 1)
  await follower.close()
  t.is(await written.position('test'), 1_004)
})

/** Keeps an EDU for each position: what comes of it twice is there twice. */
const keeping = (database: Database, name: string, clock = new FakeClock()): StreamFollower => {
  const outbox = new OutboxWriter(database)
  return new StreamFollower({
    ...{ name, stream: 'account_data', database, clock, log: silentLog },
    work: async (after, upTo) => {
      const reached = Math.min(after + 1, upTo)
      const edus = [{ destinations: ['b.test'], payload: `"${reached}"`, key: undefined }]
      return { reached, statements: outbox.addEdus(edus, 0), committed: () => undefined }
    },
  })
}

const happen = async (database: Database, times: number): Promise<void> => {
  const data = new AccountDataWriter(database)
  for (let n = 0; n < times; n++)
    await database.commit({ statements: [data.set('@a:x', '', 'type', `{"n":${n}}`)] })
}

const kept = async (database: Database): Promise<unknown[]> => {
  const query = database.prepare('SELECT payload FROM federation_edus ORDER BY position')
  return (await database.all<{ payload: string }>(query)).map(({ payload }) => JSON.parse(payload))
}

bothDatabases(
  test,
  'what comes of a stream is stored once, whoever else follows it',
  async (t, database, config) => {
    const other = config.kind === 'postgres' ? await openDatabase(config) : database
    const followers = [keeping(database, 'test'), keeping(other, 'test')]
    for (const follower of followers) follower.start()
    await happen(database, 20)
    await Promise.all(followers.map(follower => follower.caughtUp()))
    await Promise.all(followers.map(follower => follower.close()))
    if (other !== database) await other.close()
    const numbers = Array.from({ length: database.position('account_data') }, (_, n) => String(n + 1))
    t.deepEqual(await kept(database), numbers)
  },
)

test('what was stored without its follower hearing of it is not stored again', async t => {
  const database = await testDatabase(t)
  const clock = new FakeClock()
  let losses = 0
  const follower = keeping(
    losingAnswers(database, () => ++losses % 2 === 1),
    'test',
    clock,
  )
  follower.start()
  await eventually('all is followed', async () => {
    await happen(database, 1)
    // What went wrong is tried again.
    await clock.advance(1_000)
    return losses > 6
  })
  await follower.close()
  const numbers = await kept(database)
  t.true(numbers.length >= 6)
  t.deepEqual(numbers, [...new Set(numbers)])
})

test('what was no concern of a follower is written down only at the end', async t => {
  const database = await testDatabase(t)
  const written = new FollowedStreams(database)
  let concerns = false
  const follower = new StreamFollower({
    ...{ name: 'test', stream: 'account_data', database, clock: new FakeClock(), log: silentLog },
    work: async (_, reached) => (concerns ? reached : { reached, statements: [] }),
  })
  follower.start()
  const noted = async (): Promise<number> => {
    await happen(database, 1)
    await follower.caughtUp()
    return written.position('test')
  }
  t.is(await noted(), 0)
  concerns = true
  t.is(await noted(), database.position('account_data'))
  concerns = false
  t.is(await noted(), database.position('account_data') - 1)
  await follower.close()
  t.is(await written.position('test'), database.position('account_data'))
})

test('what fails is tried again though nothing more comes, ever more rarely, and nobody waits for it', async t => {
  const database = await testDatabase(t)
  const clock = new FakeClock()
  const attempts: number[] = []
  let isBroken = true
  const follower = new StreamFollower({
    ...{ name: 'test', stream: 'account_data', database, clock, log: silentLog },
    work: async (_, upTo) => {
      attempts.push(clock.now())
      if (isBroken) throw new Error('broken')
      return upTo
    },
  })
  follower.start()
  const began = clock.now()
  await happen(database, 1)
  await eventually('it waits', () => clock.sleeping === 1)
  await follower.caughtUp()
  await happen(database, 1)
  await follower.caughtUp()
  t.is(attempts.length, 1, 'news are no reason to try')
  await clock.advance(200_000)
  const after = attempts.map(ts => (ts - began) / 1_000)
  t.deepEqual(after, [0, 1, 3, 7, 15, 31, 63, 123, 183])
  isBroken = false
  await clock.advance(60_000)
  const { length } = attempts
  await follower.caughtUp()
  await happen(database, 1)
  await follower.caughtUp()
  t.is(attempts.length, length + 1, 'and goes on from then on')
  await follower.close()
  t.is(await new FollowedStreams(database).position('test'), database.position('account_data'))
})
