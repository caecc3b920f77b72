import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import type { Database } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:there.test'

test('an invitation to another server builds on nothing that may not come to pass', async t => {
  const database = await testDatabase(t)
  const { rooms } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const message = { roomId, type: 'm.room.message', txnId: '1', content: { body: 'once' } }
  const { eventId } = await rooms.sending.message(requesterOf(ALICE), message)
  // After a restart the commit alone knows what was sent before.
  const gate = Promise.withResolvers<void>()
  let isHeld = false
  const commit: Database['commit'] = async set => {
    if (set.statements.some(({ guard }) => guard?.name === 'transaction')) {
      isHeld = true
      await gate.promise
    }
    return database.commit(set)
  }
  const invited: RoomEvent[] = []
  const again = await testRooms(
    { ...delegate(database), commit },
    {
      remote: {
        invite: async ({ event }) => {
          invited.push(event)
          return event
        },
      },
    },
  )
  const repeated = again.rooms.sending.message(requesterOf(ALICE), message)
  while (!isHeld) await new Promise(setImmediate)
  const invitation = again.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  setImmediate(gate.resolve)
  t.is((await repeated).eventId, eventId)
  await invitation
  t.deepEqual(
    invited.map(event => event.prevEvents),
    [[eventId]],
  )
  t.is((await again.core.writer.head(roomId))?.memberships.get(BOB), 'invite')
})
