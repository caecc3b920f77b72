import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { openDatabase } from '../../storage/open.ts'
import { testDatabases, testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { guest } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'
import { removedRooms } from '../sync/removed-rooms.ts'
import { loadHead } from './load-head.ts'
import { RoomLifetime } from './room-lifetime.ts'
import { END } from './visible-ranges.ts'

/** A room of others that `@me:here.test` has left, and comes back to by `BACK`. */
const peerRoom = (): PeerRoom =>
  new PeerRoom('11', [
    'CREATE: alice create',
    'JA: alice join',
    'PL: alice power alice=100',
    'JR: alice rule public',
    'JB: bob join',
    'ME: me@here.test join',
    'GO: me@here.test leave',
    'BACK: me@here.test join',
  ])

const lifetimeOf = ({ core, clock }: Pick<TestRooms, 'core' | 'clock'>): RoomLifetime =>
  new RoomLifetime({ writer: core.writer, clock, log: silentLog, grace: undefined })

/** The events of the current state that are stored, and how many there have to be. */
const stateOf = async ({ core }: Pick<TestRooms, 'core'>, { roomId }: PeerRoom) => {
  const { read } = core.context
  const head = await core.writer.head(roomId)
  const loaded = await loadHead(read, roomId, 'here.test')
  const eventIds = [...(loaded?.stateMap().values() ?? [])]
  const found = [...(await read.events.byIds(eventIds)).values()]
  return {
    of: head?.state.size,
    known: eventIds.length,
    here: found.filter(({ roomNid }) => roomNid === loaded?.room.nid).length,
  }
}

testDatabases(test, 'a room comes back once all of what it was is gone', async (t, database) => {
  const peers = peerRoom()
  const here = await guest(database, peers)
  const stopped = lifetimeOf(here)
  await stopped.close()
  await stopped.removeNow(peers.roomId)
  await t.throwsAsync(peers.import(here, 'BACK'), { message: /being removed/ })
  const lifetime = lifetimeOf(here)
  lifetime.start()
  t.teardown(() => lifetime.close())
  const { read } = here.core.context
  await eventually('it is gone', async () => !(await read.going.has(peers.roomId)))
  const toTell = async (since: number) =>
    (await removedRooms(read, '@me:here.test', { after: 0, upTo: END, since })).map(({ roomId }) => roomId)
  t.deepEqual(await toTell(END), [peers.roomId], 'they were in it, and nothing else says that they are not')
  await peers.import(here, 'BACK')
  t.deepEqual(await toTell(0), [], 'they are in it again')
  t.deepEqual(await stateOf(here, peers), { of: 6, known: 6, here: 6 })
})

testPostgres(
  test,
  'a room goes also where another process has written to it last',
  async (t, database, config) => {
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const [here, there] = [await testRooms(database), await testRooms(other)]
    const alice = '@alice:here.test'
    const roomId = await here.rooms.roomCreation.create(newRoom(here.rooms, alice), { isDirect: false })
    const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'from there' } }
    await there.rooms.sending.message(requesterOf(alice), message)
    t.is((await lifetimeOf(here).removeNow(roomId))?.events, 7)
    t.is(await here.core.context.read.rooms.byId(roomId), undefined)
  },
)

testPostgres(
  test,
  'a room that one process has removed comes back whole through another',
  async (t, database, config) => {
    const peers = peerRoom()
    const here = await guest(database, peers)
    const others: TestRooms[] = []
    for (let count = 0; count < 2; count++) {
      const other = await openDatabase(config)
      t.teardown(() => other.close())
      others.push(await testRooms(other))
    }
    const [there, third] = others
    if (there === undefined || third === undefined) return t.fail()
    for (const other of others) t.like(await stateOf(other, peers), { known: 6, here: 6 })
    await lifetimeOf(here).removeNow(peers.roomId)
    await peers.import(there, 'BACK')
    for (const each of [there, third, here])
      t.deepEqual(await stateOf(each, peers), { of: 6, known: 6, here: 6 })
  },
)
