import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import { presentSight } from '../rooms/room-sight.ts'
import { RoomFacts } from './room-facts.ts'

testDatabases(test, 'a name that is redacted is taken away', async (t, database) => {
  const peers = peerRoom('11')
  peers.add(
    'NAME: alice state m.room.name "" {"name":"Bad words"} < ME',
    'SAID: bob say hello < NAME',
    'GONE: alice redact NAME < SAID',
  )
  const server = await guest(database, peers)
  const { streams } = testSync(server, database)
  const sliding = testSlidingSync(server, streams, database)
  const { signal } = new AbortController()
  const look = async (pos?: string) => {
    const asked = { body: { lists: { all: { timeline_limit: 5 } } }, pos, timeoutMs: 0 }
    const answer = JSON.parse(await sliding.simplified(requesterOf('@me:here.test'), asked, signal))
    return { pos: answer.pos, room: answer.rooms[peers.roomId] }
  }
  await server.receive('NAME')
  const first = await look()
  t.is(first.room.name, 'Bad words')
  await server.receive('SAID')
  const second = await look(first.pos)
  t.false('name' in second.room, 'nothing has changed about it')
  await server.receive('GONE')
  t.is((await look(second.pos)).room.name, null)
})

testDatabases(
  test,
  'a room in which nothing proper has happened that is known here stands where the user came in',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('TOPIC: alice state m.room.topic "" {"topic":"Tea"} < ME', 'SAID: bob say hello < TOPIC')
    const server = await guest(database, peers)
    const { streams } = testSync(server, database)
    const sliding = testSlidingSync(server, streams, database)
    const { signal } = new AbortController()
    const look = async (pos?: string) => {
      const asked = { body: { lists: { all: { timeline_limit: 5 } } }, pos, timeoutMs: 0 }
      const answer = JSON.parse(await sliding.simplified(requesterOf('@me:here.test'), asked, signal))
      return { pos: answer.pos, stamp: answer.rooms[peers.roomId].bump_stamp }
    }
    const { read } = server.core.context
    const joined = await read.memberships.ofUser('@me:here.test', ['join'])
    const first = await look()
    t.is(first.stamp, joined[0]?.position)
    await server.receive('TOPIC')
    const second = await look(first.pos)
    t.is(second.stamp, first.stamp, 'a topic moves it nowhere')
    await server.receive('SAID')
    t.true((await look(second.pos)).stamp > first.stamp)
  },
)

test('what was said before the user came in, and was fetched since, gives no stamp: clients take none below zero', async t => {
  type Parts = ConstructorParameters<typeof RoomFacts>[0]
  const facts = new RoomFacts({
    sync: { newestOfTypes: async () => -5 },
    sights: { of: async () => presentSight(7) },
    summaries: { text: async () => '{}', heroes: async () => [] },
    memo: { mayRedact: () => false, changes: async () => [], ended: async () => [] },
    partial: { isCompletedIn: () => false },
    unread: { ofRoom: async () => ({ total: { notification_count: 0, highlight_count: 0 } }) },
  } as unknown as Parts)
  const told = await facts.of(1, '@me:here.test', { after: 8, upTo: 9 })
  t.is(told.at(-1), '"bump_stamp":7')
})
