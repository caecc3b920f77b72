/** What servers may ask about a room that they are out of. */
import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { FederationError } from '../../network/federation-client.ts'
import { ALICE, BOB, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { say, setState, type WorldServer } from '../../test-kit/federation-world.ts'

const putOut = (a: WorldServer, roomId: string, membership: string): Promise<RoomEvent> =>
  setState(a, ALICE, roomId, { type: 'm.room.member', stateKey: BOB, content: { membership } })

test('who is out of a room may ask about what was sent until then', async t => {
  const p = await pair(t)
  const { a, b } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'unheard')
  const { eventId } = await putOut(a, roomId, 'leave')
  const later = await say(a, ALICE, roomId, 'among ourselves')
  const { client } = b
  const missing = (latest: string[]) =>
    client.getMissingEvents('a.test', { roomId, earliest: [], latest, limit: 1, minDepth: 0 })
  const bodies = (pdus: JsonObject[]) => pdus.map(pdu => (pdu['content'] as JsonObject)['body'])

  t.truthy(await client.getEvent('a.test', eventId))
  t.true((await client.getEventAuth('a.test', { roomId, eventId })).length > 0)
  t.true((await client.getState('a.test', { roomId, eventId })).state.length > 0)
  t.true((await client.getStateIds('a.test', { roomId, eventId })).stateIds.length > 0)
  t.deepEqual(bodies(await missing([eventId])), ['unheard'])
  t.deepEqual(bodies(await missing([later.eventId, eventId])), ['unheard'])
  t.deepEqual(bodies(await client.backfill('a.test', { roomId, from: [eventId], limit: 2 })), [
    undefined,
    'unheard',
  ])

  const refused = (asked: Promise<unknown>) =>
    t.throwsAsync(asked, { instanceOf: FederationError, message: /not in this room/ })
  await refused(client.getEvent('a.test', later.eventId))
  await refused(client.getEventAuth('a.test', { roomId, eventId: later.eventId }))
  await refused(client.getState('a.test', { roomId, eventId: later.eventId }))
  await refused(client.getStateIds('a.test', { roomId, eventId: later.eventId }))
  await refused(missing([later.eventId]))
  await refused(client.backfill('a.test', { roomId, from: [later.eventId], limit: 2 }))
})

test('who was let in again and is out once more may ask about what was sent until then, but for what was hidden', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const history = {
    type: 'm.room.history_visibility',
    stateKey: '',
    content: { history_visibility: 'joined' },
  }
  const roomId = await sharedRoom(p, { preset: 'public_chat', initialState: [history] })
  await world.send(a, b, [await putOut(a, roomId, 'leave')])
  await say(a, ALICE, roomId, 'while you were out')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await say(a, ALICE, roomId, 'while you were in')
  const { eventId } = await putOut(a, roomId, 'ban')
  // What the server's users become that are out anyway does not count.
  await putOut(a, roomId, 'leave')
  const pdus = await b.client.backfill('a.test', { roomId, from: [eventId], limit: 4 })
  t.deepEqual(
    pdus.map(pdu => (pdu['content'] as JsonObject)['body']),
    [undefined, 'while you were in', undefined, undefined],
  )
})
