import test from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'

const HOUR_MS = 60 * 60_000

const shutOut = (a: WorldServer, roomId: string, deny: string[]): Promise<RoomEvent> =>
  setState(a, ALICE, roomId, { type: 'm.room.server_acl', content: { allow: ['*'], deny } })

const membershipOf = async (server: WorldServer, roomId: string) =>
  (await stateAt(server, roomId, 'm.room.member', BOB))?.content['membership']

testDatabases(
  test,
  'a server that refused the leave of a user who was shut out hears of it once it sends what happens in the room',
  async (t, database) => {
    const p = await pair(t, database)
    const { a, b, world } = p
    const roomId = await sharedRoom(p)
    await world.send(a, b, [await shutOut(a, roomId, ['b.test'])])
    const out = { type: 'm.room.member', stateKey: BOB, content: { membership: 'leave' } }
    const leave = await setState(b, BOB, roomId, out)
    await world.send(b, a, [leave])
    t.is(await membershipOf(a, roomId), 'join', 'it is refused')

    await b.clock.advance(HOUR_MS)
    await world.send(a, b, [await shutOut(a, roomId, [])])
    await eventually('the leave is known there', async () => (await membershipOf(a, roomId)) === 'leave')
    t.is((await stateAt(a, roomId, 'm.room.member', BOB))?.eventId, leave.eventId)
  },
)

test('who has just left is not spoken of again, nor to a server that was not in the room', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await sharedRoom(p)
  const out = { type: 'm.room.member', stateKey: BOB, content: { membership: 'leave' } }
  await setState(b, BOB, roomId, out)
  const sent = await say(a, ALICE, roomId, 'still here?')
  await world.send(a, b, [sent])
  await b.clock.advance(HOUR_MS)
  await world.send(c, b, [sent])
  await world.send(a, b, [sent])
  await eventually('the leave is known there', async () => (await membershipOf(a, roomId)) === 'leave')
  const told = world.requests.filter(one => /^b\.test > \S+ PUT .*\/send\//.test(one))
  t.is(told.length, 1)
})
