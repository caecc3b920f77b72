import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabase } from '../../test-kit/database.ts'
import type { FakeClock } from '../../test-kit/fake-clock.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const [speaker, ann, bob, late] = [
  '@speaker:here.test',
  '@ann:here.test',
  '@bob:here.test',
  '@late:here.test',
]

test('those who wait in a room are told alike, but for what is theirs', async t => {
  const { database, during } = countedReads(await testDatabase(t))
  const rooms = await testRooms(database)
  const { ask, close } = testSync(rooms, database)
  t.teardown(close)
  const { roomCreation, memberships, sending } = rooms.rooms
  const roomId = await roomCreation.create(newRoom(rooms.rooms, speaker, { isPublic: true }), {
    isDirect: false,
  })
  for (const userId of [ann, bob]) await memberships.join({ userId, roomId })
  for (const userId of [ann, bob]) await ask(userId)
  const { next_batch: since } = await ask(speaker)
  const say = (body: string) =>
    sending.message(requesterOf(speaker), {
      ...{ roomId, type: 'm.room.message', txnId: body },
      content: { body },
    })
  const told = async (userId: string, query = {}) =>
    (await ask(userId, { since, ...query })).rooms?.join?.[roomId]
  await say('one')

  const toAnn = await told(ann)
  await told(bob)
  t.is(await during(async () => t.deepEqual(await told(bob), toAnn)), 0)
  const [event] = toAnn?.timeline.events ?? []
  t.deepEqual(event?.['unsigned'], { age: 0, membership: 'join' })
  const [own] = (await told(speaker))?.timeline.events ?? []
  t.deepEqual(own, { ...event, unsigned: { age: 0, membership: 'join', transaction_id: 'one' } })

  const lazy = await told(ann, { filter: '{"room":{"state":{"lazy_load_members":true}}}' })
  t.deepEqual(lazy?.timeline, toAnn?.timeline)
  t.deepEqual(
    lazy?.state?.events.map(member => member['state_key']),
    [speaker],
    'of whom this device was not told yet',
  )
  const bare = await told(ann, { filter: '{"event_fields":["content.body"]}' })
  t.is(bare?.timeline.events[0]?.['unsigned'], undefined, 'another filter, another text')

  await (rooms.clock as FakeClock).advance(10_000)
  t.like((await told(ann))?.timeline.events[0], { unsigned: { age: 10_000 } }, 'no text is told for long')
  await memberships.join({ userId: late, roomId })
  t.deepEqual(
    (await told(late))?.timeline.events.map(({ type }) => type).includes('m.room.create'),
    true,
    'who has just come is told all of it',
  )
})

test('while nothing happens what was told alike is not kept without bound', async t => {
  const database = await testDatabase(t)
  const rooms = await testRooms(database)
  const { ask, streams, close } = testSync(rooms, database)
  t.teardown(close)
  const { roomCreation, memberships, sending } = rooms.rooms
  const roomId = await roomCreation.create(newRoom(rooms.rooms, speaker, { isPublic: true }), {
    isDirect: false,
  })
  await memberships.join({ userId: ann, roomId })
  const { next_batch: since } = await ask(ann)
  for (let n = 0; n < 12; n++)
    await sending.message(requesterOf(speaker), {
      ...{ roomId, type: 'm.room.message', txnId: String(n) },
      content: { body: 'x'.repeat(60_000) },
    })
  const filter = '{"room":{"timeline":{"limit":100}}}'
  for (let n = 0; n < 40; n++) {
    await (rooms.clock as FakeClock).advance(250)
    t.is((await ask(ann, { since, filter })).rooms?.join?.[roomId]?.timeline.events.length, 12)
  }
  t.true(streams.memo.held < 30, `${streams.memo.held} answers are kept`)
})
