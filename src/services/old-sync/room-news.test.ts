import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { RoomNews } from './room-news.ts'

const ME = '@me:here.test'

testDatabases(
  test,
  'what came in many rooms comes in portions, in order and without gaps',
  async (t, database) => {
    const { core, rooms } = await testRooms(database)
    const news = new RoomNews({ ...core, ignoredUsers: core.views.ignoredUsers })
    const roomIds: string[] = []
    for (let count = 0; count < 3; count++)
      roomIds.push(await rooms.roomCreation.create(newRoom(rooms, ME), { isDirect: false }))
    const start = database.position('events')
    const sent: string[] = []
    for (let count = 0; count < 90; count++) {
      const roomId = roomIds[count % 3] ?? ''
      const content = { msgtype: 'm.text', body: 'x'.repeat(60_000) }
      const message = { roomId, type: 'm.room.message', txnId: String(count), content }
      sent.push((await rooms.sending.message(requesterOf(ME), message)).eventId)
    }
    const all = await core.context.read.memberships.ofUser(ME, ['join'])
    const nids = all.map(({ roomNid }) => roomNid)
    const upTo = database.position('events')
    const told: string[] = []
    const portions: number[] = []
    for (let after = start; after < upTo && portions.length < 9; ) {
      const { texts, upTo: end } = await news.between(requesterOf(ME), nids, after, upTo)
      portions.push(texts.length)
      for (const text of texts) told.push((JSON.parse(text) as { event_id: string }).event_id)
      after = end
    }
    t.deepEqual(told, sent)
    t.deepEqual(portions, [70, 20], 'of four megabytes each')
  },
)
