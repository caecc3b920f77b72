import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'

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
