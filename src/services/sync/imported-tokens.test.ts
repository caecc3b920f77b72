import test from 'ava'
import { POSITIONS_PER_IMPORTED } from '../../core/imported-token.ts'
import { StreamMoves } from '../../storage/synapse/rooms/positions.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { bodies } from '../../test-kit/shown.ts'

const ANN = '@ann:here.test'

testDatabases(
  test,
  'clients go on from a token of Synapse, where rooms were imported from it',
  async (t, database) => {
    const rooms = await testRooms(database)
    const { ask, close } = testSync(rooms, database)
    t.teardown(close)
    const { roomCreation, sending } = rooms.rooms
    const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN), { isDirect: false })
    await t.throwsAsync(ask(ANN, { since: 's1_2_3' }), { message: /not a token of this server/ })
    // As an import leaves it: what was there is before the stream's end.
    const beyond = [{ stream: 'events', offset: 2 * POSITIONS_PER_IMPORTED }] as const
    const touch = database.prepare('UPDATE rooms SET latest_ts = latest_ts WHERE room_nid = ?')
    await database.commit({ statements: [{ prepared: touch, rows: [beyond] }] })
    for (const since of ['s1_2_3', 's0_0_0'])
      await t.throwsAsync(
        ask(ANN, { since }),
        { message: /not a token of this server/ },
        'as long as nothing was imported',
      )
    const imported = new StreamMoves(database).beyond('imported', 1)
    await database.commit({ statements: imported })
    const say = (body: string) =>
      sending.message(requesterOf(ANN), { roomId, type: 'm.room.message', txnId: body, content: { body } })
    await say('after')
    const answer = await ask(ANN, { since: 's1_2_3' })
    const timeline = answer.rooms?.join?.[roomId]?.timeline
    t.deepEqual(bodies(timeline?.events), ['after'])
    t.not(timeline?.limited, true)
  },
)
