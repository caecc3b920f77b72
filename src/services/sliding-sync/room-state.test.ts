import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { guest, peerRoom } from '../../test-kit/guest.ts'
import { userId } from '../../test-kit/room-lines.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'

testDatabases(
  test,
  'a member who came and went since the last response is told as gone',
  async (t, database) => {
    const peers = peerRoom('11')
    peers.add('DAVE: dave join < ME', 'SAID: dave say hello < DAVE', 'SHUT: alice rule invite < ME')
    const server = await guest(database, peers)
    const { streams } = testSync(server, database)
    const sliding = testSlidingSync(server, streams, database)
    const { signal } = new AbortController()
    const look = async (limit: number, pos?: string) => {
      const wanted = [
        ['*', '*'],
        ['m.room.member', '$LAZY'],
      ]
      const lists = { all: { timeline_limit: limit, required_state: wanted } }
      const asked = { body: { conn_id: `c${limit}`, lists }, pos, timeoutMs: 0 }
      const answer = JSON.parse(await sliding.simplified(requesterOf('@me:here.test'), asked, signal))
      const { timeline, required_state: state } = answer.rooms[peers.roomId]
      const ofDave = state.filter((event: Record<string, unknown>) => event['state_key'] === userId('dave'))
      return { pos: answer.pos, shown: timeline.map(({ type }: { type: string }) => type), ofDave }
    }
    const [much, little] = [await look(3), await look(1)]
    for (const name of ['DAVE', 'SAID', 'SHUT']) await server.receive(name)
    t.is(await server.current('m.room.member', userId('dave')), undefined, 'he came in where nobody may')
    const { shown, ofDave } = await look(3, much.pos)
    t.deepEqual(shown, ['m.room.member', 'm.room.message', 'm.room.join_rules'])
    t.deepEqual(ofDave, [{ type: 'm.room.member', state_key: userId('dave') }])
    t.deepEqual(
      (await look(1, little.pos)).ofDave,
      [],
      'whom the client has never heard of it need not forget',
    )
  },
)
