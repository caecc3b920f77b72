/** Invitations into rooms that are replaced before they are sent. */
import test from 'ava'
import { roomVersion } from '../../core/room-versions.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, HOUR, MINUTE, pair } from '../../test-kit/federated-invitations.ts'
import { newRoom } from '../../test-kit/rooms.ts'

/** Alice, who was to invite Bob within the hour, replaces the room. */
const replaced = async (t: Parameters<typeof pair>[0]) => {
  const p = await pair(t)
  const version = roomVersion('12')
  if (p.a.invitations === undefined || version === undefined) throw new Error('no server of ours')
  await p.invite({ delay_ms: HOUR, ttl_ms: 10 * HOUR }, 'later')
  const upgrade = { version, additionalCreators: [] }
  const replacement = await p.a.rooms.roomUpgrades.upgrade(ALICE, p.roomId, upgrade)
  const { listing } = p.a.invitations
  const stands = async (roomId: string) =>
    (await listing.list(ALICE, { direction: 'sent' })).invitations.find(one => one.room_id === roomId)
  return { ...p, replacement, stands }
}

test('what is to be sent later leads into the room that has replaced its own by then', async t => {
  const r = await replaced(t)
  await r.advance(HOUR)
  await eventually('it is sent', async () => (await r.stands(r.replacement))?.status === 'invited')
  await eventually('and is one alone', async () => (await r.stands(r.roomId)) === undefined)
  t.like(await r.stands(r.replacement), { reason: 'later', expires_ts: r.a.clock.now() + 10 * HOUR })
  const { invitations } = r.b.core.context.read
  t.is((await invitations.one(BOB, r.replacement))?.status, 'invited')
  t.is(await invitations.one(BOB, r.roomId), undefined)
})

test('whom somebody has brought there meanwhile is not invited again', async t => {
  const r = await replaced(t)
  const change = { sender: ALICE, userId: BOB, roomId: r.replacement }
  await r.a.rooms.memberships.invite(change)
  await r.b.rooms.memberships.join(change)
  await eventually('he is there', async () => (await r.stands(r.replacement))?.status === 'accepted')
  await r.advance(HOUR)
  await eventually('it is over', async () => (await r.stands(r.roomId))?.status === 'accepted')
  t.is((await r.a.core.writer.head(r.replacement))?.memberships.get(BOB), 'join')
})

test('whose inviter has not gone there is sent into the room that it was for', async t => {
  const r = await replaced(t)
  await r.a.rooms.memberships.leave({ userId: ALICE, roomId: r.replacement })
  await r.advance(HOUR)
  await eventually('it is sent', async () => {
    await r.advance(MINUTE)
    return (await r.stands(r.roomId))?.status === 'invited'
  })
  t.is((await r.b.core.context.read.invitations.one(BOB, r.roomId))?.status, 'invited')
})

test('whom somebody has invited there meanwhile is not invited anew', async t => {
  const r = await replaced(t)
  await r.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: r.replacement, reason: 'by hand' })
  await r.advance(HOUR)
  await eventually('it is over', async () => (await r.stands(r.roomId)) === undefined)
  t.like(await r.stands(r.replacement), { status: 'invited', reason: 'by hand' })
})

test('a room that says nothing of having replaced another gets none of its invitations', async t => {
  const p = await pair(t)
  await p.invite({ delay_ms: HOUR })
  const { roomCreation } = p.a.rooms
  const own = await roomCreation.create(newRoom(p.a.rooms, ALICE, {}), { isDirect: false })
  const content = { body: 'Gone', replacement_room: own }
  const tombstone = { type: 'm.room.tombstone', stateKey: '', sender: ALICE, content }
  await p.a.core.sender.send(p.roomId, tombstone)
  await p.advance(HOUR)
  await p.becomes(p.a, 'invited')
  t.is((await p.a.core.writer.head(own))?.memberships.get(BOB), undefined)
})

test('what is withdrawn while it is sent there is taken back there', async t => {
  const r = await replaced(t)
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  r.world.transport = async ({ path }, deliver) => {
    if (path.includes('/invite/')) {
      asked.resolve()
      await answered.promise
    }
    return deliver()
  }
  await r.advance(HOUR)
  await asked.promise
  await r.withdraw()
  answered.resolve()
  await eventually('it is taken back', async () => {
    const head = await r.a.core.writer.head(r.replacement)
    return head?.memberships.get(BOB) === 'leave'
  })
  t.is((await r.stands(r.roomId))?.status, 'cancelled')
})
