import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { arrived, setState, stateAt } from '../../test-kit/federation-world.ts'

const DAVE = '@dave:b.test'

/** Alice removes Bob and invites him again before his server has heard of the first. */
const removed = async (t: Parameters<typeof pair>[0]) => {
  const p = await pair(t)
  const roomId = await sharedRoom(p)
  const status = async () => (await p.b.core.context.read.invitations.one(BOB, roomId))?.status
  const membership = async () => (await p.b.core.writer.head(roomId))?.memberships.get(BOB)
  const remove = async () => {
    await p.a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
    return (await stateAt(p.a, roomId, 'm.room.member', BOB)) ?? {}
  }
  /** Resolves once Bob's server waits, or has answered; it goes on as time does. */
  const invite = async () => {
    let isOver = false
    const asleep = p.b.clock.sleeping
    const inviting = p.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId }).finally(() => {
      isOver = true
    })
    // Whether it fails is for the test to say.
    inviting.catch(() => undefined)
    await eventually('the invitation waits', () => isOver || p.b.clock.sleeping > asleep)
    const over = () =>
      eventually('the invitation is over', async () => {
        await p.b.clock.advance(100)
        return isOver
      })
    return { inviting, over, isOver: () => isOver }
  }
  return { ...p, roomId, status, membership, remove, invite }
}

test('an invitation that comes before the news that one was removed is not lost', async t => {
  const r = await removed(t)
  const kick = await r.remove()
  const { inviting, isOver, over } = await r.invite()
  await r.b.clock.advance(1_000)
  t.false(isOver())
  await r.world.send(r.a, r.b, [kick])
  await over()
  await inviting
  t.is(await r.membership(), 'leave')
  t.is(await r.status(), 'invited')
})

test('where that news does not come the inviter hears that the invitation was not taken', async t => {
  const r = await removed(t)
  const kick = await r.remove()
  const { inviting, over } = await r.invite()
  await over()
  t.like(await t.throwsAsync(inviting), { errcode: 'M_BAD_STATE' })
  await r.world.send(r.a, r.b, [kick])
  await (await r.invite()).inviting
  t.is(await r.status(), 'invited')
})

test('a server that is banned from the room hears so at once', async t => {
  const r = await removed(t)
  const content = { allow: ['*'], deny: ['a.test'] }
  const banned = await setState(r.a, ALICE, r.roomId, { type: 'm.room.server_acl', content })
  await r.world.send(r.a, r.b, [banned])
  await arrived(r.b, banned.eventId)
  await r.remove()
  // Time stands still on Bob's server: whoever waited there would do so for good.
  const inviting = r.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: r.roomId })
  t.like(await t.throwsAsync(inviting), { errcode: 'M_FORBIDDEN' })
})

test('a server that was banned from a room when its last user here left invites to it again once it is not', async t => {
  const r = await removed(t)
  const aclOf = async (deny: string[]) => {
    const content = { allow: ['*'], deny }
    return setState(r.a, ALICE, r.roomId, { type: 'm.room.server_acl', content })
  }
  const banned = await aclOf(['a.test'])
  await r.world.send(r.a, r.b, [banned])
  await arrived(r.b, banned.eventId)
  await r.b.rooms.memberships.leave({ userId: BOB, roomId: r.roomId })
  const left = await stateAt(r.b, r.roomId, 'm.room.member', BOB)
  await r.world.send(r.b, r.a, left === undefined ? [] : [left])
  await aclOf([])
  await r.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: r.roomId })
  t.is(await r.status(), 'invited')
})

test('a clock that is set back meanwhile keeps no inviter waiting', async t => {
  const r = await removed(t)
  await r.remove()
  const { inviting, over } = await r.invite()
  await r.b.clock.advance(1_000)
  const now = r.b.clock.now.bind(r.b.clock)
  r.b.clock.now = () => now() - 3_600_000
  await over()
  t.like(await t.throwsAsync(inviting), { errcode: 'M_BAD_STATE' })
})

test('whose server has others in the room is told by the room', async t => {
  const r = await removed(t)
  await r.b.rooms.memberships.join({ userId: DAVE, roomId: r.roomId })
  const join = await stateAt(r.b, r.roomId, 'm.room.member', DAVE)
  await r.world.send(r.b, r.a, [join ?? {}])
  const kick = await r.remove()
  const { inviting, over } = await r.invite()
  await over()
  await inviting
  const again = await stateAt(r.a, r.roomId, 'm.room.member', BOB)
  await r.world.send(r.a, r.b, [kick, again ?? {}])
  t.is(await r.membership(), 'invite')
})
