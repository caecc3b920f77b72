import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { testSync } from '../../test-kit/room-sync.ts'

testDatabases(
  test,
  'a room is called by users alone, whatever it says who its members are',
  async (t, database) => {
    const peers = peerRoom('11')
    const strange = ['hello', '@no', '@a b:alice.test', '@:alice.test:x:y']
    peers.add(
      ...strange.map((stateKey, index) => {
        const before = index === 0 ? 'ME' : `X${index - 1}`
        return `X${index}: alice state m.room.member "${stateKey}" {"membership":"invite"} < ${before}`
      }),
      'DAVE: alice state m.room.member "@dave:dave.test" {"membership":"invite"} < X3',
    )
    const server = await guest(database, peers)
    const { ask } = testSync(server, database)
    for (const label of ['X0', 'X1', 'X2', 'X3', 'DAVE']) await server.receive(label)
    const room = (await ask('@me:here.test')).rooms?.join?.[peers.roomId]
    t.is(room?.summary?.['m.invited_member_count'], 5)
    t.deepEqual(room?.summary?.['m.heroes'], [
      '@alice:alice.test',
      '@bob:bob.test',
      '@carol:carol.test',
      '@dave:dave.test',
    ])
  },
)
