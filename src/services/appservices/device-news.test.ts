import type { ExecutionContext } from 'ava'
import test from 'ava'
import type { AppService } from '../../core/app-service.ts'
import type { Database } from '../../storage/database.ts'
import { encryptionStores } from '../../storage/encryption/index.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import type { PeerRoom } from '../../test-kit/peer-room.ts'
import { AppServiceAudience } from './audience.ts'
import { DeviceNews } from './device-news.ts'

const [ALICE, BOB, CAROL, ME] = ['@alice:alice.test', '@bob:bob.test', '@carol:carol.test', '@me:here.test']
const NOBODY = { changed: [], left: [] }

/** A server in a room, and what a service that has some users there is told by each event of it. */
const world = async (t: ExecutionContext, database: Database, peers: PeerRoom, pattern: RegExp) => {
  const here = await guest(database, peers)
  const { context } = here.core
  const service = {
    senderId: '@bot:here.test',
    users: [{ isExclusive: true, pattern }],
    ...{ aliases: [], rooms: [] },
  } as unknown as AppService
  const news = new DeviceNews({
    audience: new AppServiceAudience(service, context),
    context,
    encryption: { context: encryptionStores(database) } as unknown as ConstructorParameters<
      typeof DeviceNews
    >[0]['encryption'],
    read: {} as ConstructorParameters<typeof DeviceNews>[0]['read'],
  })
  const told = async (...names: readonly string[]) => {
    const after = database.position('events')
    for (const name of names) t.is((await here.receive(name)).outcome, 'accepted', name)
    const events = { after, upTo: database.position('events') }
    const { changed, left } = await news.lists({ deviceLists: { after: 0, upTo: 0 }, events })
    return { changed: changed.toSorted(), left: left.toSorted() }
  }
  return { here, told }
}

testDatabases(
  test,
  'a service is told who comes and goes, also by the resolution of a conflict',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('BAN: bob ban carol < ME', 'SAY: bob say hi', 'NAME: alice join < SAY')
    peers.add('DOWN: alice power alice=100 bob=0 < ME')
    const { here, told } = await world(t, database, peers, /^@me:/)
    t.deepEqual(await told('BAN'), { changed: [], left: [CAROL] })
    t.deepEqual(await told('SAY', 'NAME'), NOBODY, 'a new name is no coming')
    t.deepEqual(await told('DOWN'), { changed: [CAROL], left: [] }, 'the ban does not hold')
    t.is(await here.current('m.room.member', CAROL), 'JC')
  },
)

testDatabases(test, 'a service whose users come or go is told of all in the room', async (t, database) => {
  const peers = peerRoom('11')
  peers.add('ZED: zed@here.test join < ME', 'ZOE: zoe@here.test join', 'RULE: alice rule invite < ME')
  const { here, told } = await world(t, database, peers, /^@z/)
  t.deepEqual(await told('ZED'), { changed: [ALICE, BOB, CAROL, ME], left: [] })
  t.deepEqual(await told('ZOE'), NOBODY, 'they are known')
  t.deepEqual(await told('RULE'), { changed: [], left: [ALICE, BOB, CAROL, ME] })
  t.is(await here.current('m.room.member', '@zed:here.test'), undefined, 'nobody has said so')
})
