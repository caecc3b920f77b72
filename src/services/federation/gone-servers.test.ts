import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { NewRoom } from '../../services/rooms/room-templates.ts'
import { ALICE, BOB, CAROL, makeRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'
import { bobJoins, type Three, three } from '../../test-kit/gone-server.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { voucherOf } from './outbound/history/voucher.ts'

const hears = async (t: ExecutionContext, { world, a, b }: Three, roomId: string): Promise<void> => {
  const said = await say(a, ALICE, roomId, 'are you there?')
  await world.send(a, b, [said])
  t.deepEqual(await messagesOf(b, roomId), ['are you there?'])
}

for (const id of ['1', '9', '12']) {
  const version = roomVersion(id)
  const fields: Partial<NewRoom> = { preset: 'public_chat', name: 'Garden', ...(version && { version }) }

  test(`rooms of version ${id} whose creator’s server is gone can be joined`, async t => {
    const p = await three(t)
    const { a, b, c } = p
    const made = newRoom(c.rooms, CAROL, fields)
    const roomId = await c.rooms.roomCreation.create(made, { isDirect: false })
    await a.rooms.memberships.join({ userId: ALICE, roomId, via: ['c.test'] })
    await c.kill()
    await bobJoins(p, roomId)
    t.deepEqual((await stateAt(b, roomId, 'm.room.name'))?.content, { name: 'Garden' })
    await hears(t, p, roomId)
  })

  test(`so can rooms of version ${id} whose power levels were set by somebody of such a server`, async t => {
    const p = await three(t)
    const { world, a, b, c } = p
    const roomId = await makeRoom(a, fields)
    await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
    const before = (await stateAt(a, roomId, 'm.room.power_levels'))?.content ?? {}
    const levels = { ...before, events: {}, users: { ...Object(before['users']), [CAROL]: 100 } }
    const type = 'm.room.power_levels'
    await world.send(a, c, [await setState(a, ALICE, roomId, { type, content: levels })])
    const set = await setState(c, CAROL, roomId, { type, content: { ...levels, invite: 1 } })
    await world.send(c, a, [set])
    await c.kill()
    await bobJoins(p, roomId)
    t.is((await stateAt(b, roomId, type))?.eventId, set.eventId)
    await hears(t, p, roomId)
  })
}

/** A room of Alice's in which Bob and Carol are: whose word Bob's server takes of its history, once the room has these powers. */
const vouchedRoom = async (t: ExecutionContext) => {
  const { world, a, b, c } = await three(t)
  const version = roomVersion('10')
  const roomId = await makeRoom(a, { preset: 'public_chat', ...(version && { version }) })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(c, b, [(await stateAt(c, roomId, 'm.room.member', CAROL)) ?? {}])
  return async (users: JsonObject, asked?: string): Promise<string | undefined> => {
    const content = { ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content, users }
    await world.send(a, b, [await setState(a, ALICE, roomId, { type: 'm.room.power_levels', content })])
    const head = await b.core.writer.head(roomId)
    return head && voucherOf(b.core.context, head, asked)
  }
}

test('nobody who has less to say in a room than others is believed of its history', async t => {
  const voucher = await vouchedRoom(t)
  const gone = '@ceo:gone.test'
  t.is(await voucher({ [ALICE]: 100, [gone]: 50 }), 'a.test')
  t.is(await voucher({ [ALICE]: 100, [gone]: 100 }), 'a.test')
  t.is(await voucher({ [ALICE]: 90, [gone]: 100 }), undefined, 'whom it could make up to have given it more')
})

test('of those who have the most to say whoever answers is believed: the creator’s server may be gone', async t => {
  const voucher = await vouchedRoom(t)
  t.is(await voucher({ [ALICE]: 100, [CAROL]: 50 }, 'c.test'), 'a.test')
  t.is(await voucher({ [ALICE]: 100, [CAROL]: 100 }, 'c.test'), 'c.test')
})

test('what is said later in the name of a server that is gone is believed of nobody', async t => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(c, a, [(await stateAt(c, roomId, 'm.room.member', CAROL)) ?? {}])
  const said = await say(c, CAROL, roomId, 'my last words')
  await world.send(c, a, [said])
  await c.kill()
  await bobJoins(p, roomId)
  const refused = await world.send(a, b, [said])
  t.regex(refused.get(said.eventId) ?? '', /no valid signature of c\.test/)
})
