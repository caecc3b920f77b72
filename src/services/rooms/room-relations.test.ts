import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
/** More than one request looks at. */
const MANY = 2_100

testDatabases(test, 'threads are found behind very many that are not shown', async (t, database) => {
  const { rooms, core } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const roomNid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
  const send = async (txnId: string, content: object) => {
    const message = { roomId, type: 'm.room.message', txnId, content: { body: txnId, ...content } }
    return (await rooms.sending.message(requesterOf(ALICE), message)).eventId
  }
  const root = await send('root', {})
  await send('reply', { 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
  const later = database.position('events') + 1
  // Of which the roots are not here.
  const prepared = database.prepare(
    'INSERT INTO threads (room_nid, root_id, latest_nid, latest_position, count) VALUES (?, ?, ?, ?, 1)',
  )
  const rows = Array.from({ length: MANY }, (_, index) => [roomNid, `$${index}`, 0, later + index])
  await database.commit({ statements: [{ prepared, rows }] })
  const page = (from?: string) =>
    rooms.roomRelations.threads(requesterOf(ALICE), roomId, { participated: false, from })
  const first = await page()
  t.deepEqual(first.chunk, [])
  const second = await page(first.nextBatch)
  t.deepEqual(
    second.chunk.map(text => (JSON.parse(text) as { event_id: string }).event_id),
    [root],
  )
  t.is(second.nextBatch, undefined)
})

testDatabases(test, 'relations are found behind very many that are gone', async (t, database) => {
  const { rooms, core } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const roomNid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
  const send = async (txnId: string, content: object) => {
    const message = { roomId, type: 'm.room.message', txnId, content: { body: txnId, ...content } }
    return (await rooms.sending.message(requesterOf(ALICE), message)).eventId
  }
  const parent = await send('parent', {})
  const child = await send('child', { 'm.relates_to': { rel_type: 'org.example', event_id: parent } })
  const later = database.position('events') + 1
  const prepared = database.prepare(
    `INSERT INTO relations (event_nid, event_id, room_nid, parent_id, rel_type, type, sender, is_replacement, position,
       origin_server_ts) VALUES (?, ?, ?, ?, 'org.example', 'm.room.message', ?, 0, ?, 0)`,
  )
  const rows = Array.from({ length: MANY }, (_, index) => [
    ...[-1 - index, `$${index}`, roomNid, parent, ALICE, later + index],
  ])
  await database.commit({ statements: [{ prepared, rows }] })
  const page = (from?: string) =>
    rooms.roomRelations.relations(requesterOf(ALICE), roomId, parent, {
      ...{ direction: 'b', from, recurse: undefined, limit: 100 },
    })
  const first = await page()
  t.deepEqual(first.chunk, [])
  const second = await page(first.nextBatch)
  t.deepEqual(
    second.chunk.map(text => (JSON.parse(text) as { event_id: string }).event_id),
    [child],
  )
  t.is(second.nextBatch, undefined)
})
