/** What becomes of invitations into rooms that are removed from this server. */
import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { UserWriter } from '../../storage/accounts/user-writer.ts'
import { ALICE, BOB, HOUR, pair } from '../../test-kit/federated-invitations.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { RoomLifetime } from '../rooms/room-lifetime.ts'

test('what leads into a room that an administrator removes is over for its inviter', async t => {
  const p = await pair(t, { bobs: true })
  const { invitations, core, clock } = p.a
  if (invitations === undefined) throw new Error('plain servers have no records')
  const { roomsGone, sending, plan, records } = invitations
  const lifetime = new RoomLifetime({ writer: core.writer, clock, log: silentLog, grace: undefined })
  await p.invite({}, 'come')
  const later = { sender: ALICE, userId: '@carol:b.test', roomId: p.roomId }
  await sending.send(later, plan({ delay_ms: HOUR }))
  lifetime.onRemoved = roomId => roomsGone.endIn(roomId)
  await lifetime.removeNow(p.roomId)
  t.like(await p.seenBy(p.a), { status: 'cancelled' }, 'no server will tell')
  const unsent = await records.read.one(p.roomId, later.userId)
  t.like(unsent, { status: 'cancelled', details: { failure: { errcode: 'M_NOT_FOUND' } }, dueTs: undefined })
  t.is(await records.read.pending('sent', ALICE, 10), 0)

  const roomId = await p.a.rooms.roomCreation.create(newRoom(p.a.rooms, ALICE), { isDirect: false })
  await sending.send({ sender: ALICE, userId: BOB, roomId }, {})
  t.is((await invitations.listing.one(ALICE, roomId, BOB)).status, 'invited')
  await roomsGone.endAll()
  t.is((await invitations.listing.one(ALICE, roomId, BOB)).status, 'invited', 'the room is still there')
  lifetime.onRemoved = async () => {}
  await lifetime.removeNow(roomId)
  const account = {
    userId: ALICE,
    passwordHash: undefined,
    kind: 'user',
    isAdmin: false,
    createdTs: 0,
  } as const
  await core.context.db.commit({ statements: [new UserWriter(core.context.db).insert(account)] })
  await roomsGone.endAll()
  t.is(
    (await invitations.listing.one(ALICE, roomId, BOB)).status,
    'cancelled',
    'the server had stopped meanwhile',
  )
})
