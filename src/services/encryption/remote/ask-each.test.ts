import test from 'ava'
import { testDatabase } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { remoteDevicesWorld } from '../../../test-kit/remote-devices-world.ts'
import { askEach } from './ask-each.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `s${n}.test`)

test('of very many servers some are asked at a time, and none once the time is over', async t => {
  const clock = new FakeClock()
  const servers = new Map(names(250).map((server, n) => [server, n]))
  const asked: string[] = []
  const left: number[] = []
  let underWay = 0
  let most = 0
  const all = askEach(
    servers,
    { clock, timeoutMs: 10_000 },
    {
      ask: async server => {
        asked.push(server)
        most = Math.max(most, ++underWay)
        // Those first answer at once, the others not in time.
        await clock.sleep(asked.length <= 50 ? 1 : 10_000)
        underWay--
      },
      leave: (_, n) => left.push(n),
    },
  )
  await clock.advance(1)
  t.is(asked.length, 150)
  await clock.advance(10_000)
  await all
  t.is(most, 100)
  t.is(asked.length, 150)
  t.deepEqual(left, [...servers.values()].slice(150))
})

test('somebody who asks for keys of thousands of servers does not take all connections', async t => {
  const { remote, encryption } = await remoteDevicesWorld(await testDatabase(t))
  const { failures } = await encryption.keyQueries.query(
    '@alice:near.test',
    Object.fromEntries(names(1_000).map(server => [`@a:${server}`, []])),
    undefined,
  )
  t.is(Object.keys(failures).length, 1_000)
  t.is(remote.most, 100)
})

test('signatures over keys of users elsewhere do not wait for one server after the other', async t => {
  const { remote, encryption } = await remoteDevicesWorld(await testDatabase(t))
  const users = names(50).map(server => `@a:${server}`)
  const signed = Object.fromEntries(users.map(userId => [userId, { KEY: { user_id: userId } }]))
  const failures = await encryption.signatures.upload('@alice:near.test', signed)
  t.deepEqual(new Set(Object.values(failures).map(of => of['KEY']?.errcode)), new Set(['M_NOT_FOUND']))
  t.is(Object.keys(failures).length, 50)
  t.is(remote.most, 50)
})
