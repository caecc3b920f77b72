import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'

const say = ({ rooms }: TestRooms, userId: string, roomId: string, body: string) =>
  rooms.sending.message(requesterOf(userId), {
    roomId,
    type: 'm.room.message',
    txnId: body,
    content: { body },
  })

test('an incremental sync asks as much in one room as in many, of few members as of many, and a neighbour asks nothing', async t => {
  const { database, during } = countedReads(await testDatabase(t))
  const rooms = await testRooms(database)
  const { ask, close } = testSync(rooms, database)
  t.teardown(close)
  const [speaker, few, many] = ['@speaker:here.test', '@few:here.test', '@many:here.test']
  const create = (creator: string) =>
    rooms.rooms.roomCreation.create(newRoom(rooms.rooms, creator, { isPublic: true }), { isDirect: false })
  const roomId = await create(speaker)
  /** Once whoever sent it was answered, what is new has been followed. */
  const sayAndFollow = async (body: string): Promise<void> => {
    await say(rooms, speaker, roomId, body)
    await ask(speaker)
  }
  for (const userId of [few, many]) await rooms.rooms.memberships.join({ userId, roomId })
  for (let n = 0; n < 30; n++) await create(many)
  const sinceFew = (await ask(few)).next_batch
  const sinceMany = (await ask(many)).next_batch

  await sayAndFollow('one')
  const alone = await during(() => ask(few, { since: sinceFew }))
  t.is(alone, 1, 'the ID of the room')
  t.is(await during(() => ask(many, { since: sinceMany })), 0, 'it was all asked a moment ago')
  await sayAndFollow('two')
  t.is(await during(() => ask(many, { since: sinceMany })), 0, 'followed already, and nothing else is needed')

  for (let n = 0; n < 30; n++) await rooms.rooms.memberships.join({ userId: `@member${n}:here.test`, roomId })
  const { next_batch: since } = await ask(few)
  await sayAndFollow('three')
  t.is(await during(() => ask(few, { since })), 0)
})
