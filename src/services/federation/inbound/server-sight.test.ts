import test from 'ava'
import type { Database } from '../../../storage/database.ts'
import { delegate } from '../../../storage/delegate.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { ALICE, BOB, makeRoom } from '../../../test-kit/federated-pair.ts'
import { FederationWorld, say, setState } from '../../../test-kit/federation-world.ts'

const GREG = '@greg:a.test'

test('when users of a server came and went is read where it matters to an event', async t => {
  const database = await testDatabase(t)
  let reads = 0
  const scan: Database['scan'] = (prepared, parameters) => {
    if (prepared.sql.includes('m.host = ?')) reads += 1
    return database.scan(prepared, parameters)
  }
  const world = new FederationWorld(t)
  const a = await world.add('a.test', { database: { ...delegate(database), scan } })
  const b = await world.add('b.test')
  const roomId = await makeRoom(a)
  await a.rooms.memberships.join({ userId: GREG, roomId, via: [] })
  const early = await say(a, GREG, roomId, 'early')
  const erasedAt = a.database.position('events')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const late = await say(a, ALICE, roomId, 'late')
  Object.assign(a.core.context.erasures, { current: () => new Map([[GREG, erasedAt]]) })
  const bodies = async (from: string, limit: number) =>
    (await b.client.backfill('a.test', { roomId, from: [from], limit })).flatMap(({ type, content }) =>
      type === 'm.room.message' ? [(content as { body?: string }).body] : [],
    )
  reads = 0
  t.deepEqual(await bodies(late.eventId, 1), ['late'])
  t.is(reads, 0, 'somebody else was erased')
  t.deepEqual(await bodies(early.eventId, 1), [undefined])
  t.is(reads, 1)

  await setState(a, ALICE, roomId, {
    type: 'm.room.history_visibility',
    content: { history_visibility: 'joined' },
  })
  const hidden = await say(a, ALICE, roomId, 'for members')
  reads = 0
  t.deepEqual(await bodies(late.eventId, 1), ['late'])
  t.is(reads, 0, 'that was before the room hid anything')
  t.deepEqual(await bodies(hidden.eventId, 1), ['for members'])
  t.is(reads, 1)
})
