import test from 'ava'
import { silentLog } from '../core/log.ts'
import { AccountDataWriter } from '../storage/accounts/account-data.ts'
import { FollowedStreams } from '../storage/followed-streams.ts'
import { testDatabase } from '../test-kit/database.ts'
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
      ...{ name: 'test', stream: 'account_data', database, log: silentLog, noteEvery: 10 },
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
