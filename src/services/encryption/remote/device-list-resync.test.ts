import test from 'ava'
import { serverNameOf } from '../../../core/ids.ts'
import { MembershipWriter } from '../../../storage/rooms/membership-writer.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { ALICE, BOB, remoteDevicesWorld } from '../../../test-kit/remote-devices-world.ts'
import { noRemoteKeys } from '../ports.ts'
import { DeviceListResync } from './device-list-resync.ts'

testDatabases(test, 'servers that are gone do not keep those of others waiting', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const { read, write } = encryption.context
  const gone = Array.from({ length: 150 }, (_, n) => `@u${n}:away.test`)
  const users = [...gone, BOB].map(userId => ({ userId, host: serverNameOf(userId) }))
  const memberships = users.map((user, n) => ({
    ...{ ...user, roomNid: 1, membership: 'join' as const, eventNid: 10 + n, position: 10 },
  }))
  await database.commit({
    statements: [write.remoteDevices.begin(users), ...new MembershipWriter(database).set(memberships)],
  })
  const asked: string[] = []
  const resync = new DeviceListResync(encryption.context, {
    ...noRemoteKeys,
    userDevices: async (server, userId) => {
      asked.push(userId)
      if (server === 'away.test') throw new Error('nobody is there')
      return { streamId: 1, devices: [], masterKey: undefined, selfSigningKey: undefined }
    },
  })
  await resync.refreshStale()
  t.is(asked.length, 1, 'a server that does not answer is asked once in a round')
  await resync.refreshStale()
  t.deepEqual(asked.slice(1).map(serverNameOf).toSorted(), ['away.test', 'far.test'], 'both at the same time')
  t.is((await read.remoteDevices.lists([BOB])).get(BOB)?.isStale, false)
  await resync.refreshStale()
  t.is(asked.at(-1), asked[0], 'then it begins anew')
})

testDatabases(
  test,
  'whoever asks waits for no longer than they say, whoever else is asking',
  async (t, database) => {
    const { remote, clock, encryption, devices, told } = await remoteDevicesWorld(database)
    Object.assign(remote, { streamId: 5, devices: ['ONE'] })
    const { promise, resolve: answer } = Promise.withResolvers<void>()
    remote.meanwhile = () => promise
    const patient = devices()
    await eventually('the server is asked', () => remote.asked === 1)
    const hasty = encryption.keyQueries.query(ALICE, { [BOB]: [] }, 1_000)
    await eventually('they wait', () => clock.nextDue === clock.now() + 1_000)
    await clock.advance(1_000)
    t.deepEqual(Object.keys((await hasty).failures), ['far.test'])
    answer()
    t.deepEqual(await patient, { ids: ['ONE'], failures: [] })
    t.is(remote.asked, 1)
    t.is(told(), 1, 'and is told when it is there')
  },
)
