/** Invitations by people of one's own server, which has left the room since: no timeline here tells what becomes of them. */
import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, MINUTE, pair } from '../../test-kit/federated-invitations.ts'
import { say, setState, stateAt } from '../../test-kit/federation-world.ts'

const CAROL = '@carol:b.test'
const DAVE = '@dave:c.test'

for (const { name, isHeard } of [
  { name: 'is declined', isHeard: true },
  { name: 'is declined while no server can be reached, which are told later', isHeard: false },
])
  test(`an invitation that its sender has left behind ${name}`, async t => {
    const p = await pair(t)
    const { rooms, invitations } = p.b
    await p.invite({})
    await rooms.memberships.join({ userId: BOB, roomId: p.roomId })
    await rooms.memberships.invite({ sender: BOB, userId: CAROL, roomId: p.roomId })
    const atA = async () => (await stateAt(p.a, p.roomId, 'm.room.member', CAROL))?.content['membership']
    await eventually('the room knows of it', async () => (await atA()) === 'invite')
    await rooms.memberships.leave({ userId: BOB, roomId: p.roomId })
    await eventually(
      'the room knows that its sender is gone',
      async () => (await stateAt(p.a, p.roomId, 'm.room.member', BOB))?.content['membership'] === 'leave',
    )
    const seen = async () => {
      const listed = await invitations?.listing.list(CAROL, {})
      return listed?.invitations.map(({ status }) => status)
    }
    t.deepEqual(await seen(), ['invited'])

    if (!isHeard) p.world.intercept = () => 'unreachable'
    await rooms.memberships.leave({ userId: CAROL, roomId: p.roomId })
    t.deepEqual(await seen(), ['declined'])
    p.world.intercept = () => undefined
    await eventually('the room is told', async () => {
      if (!isHeard) await p.advance(MINUTE)
      return (await atA()) === 'leave'
    })
    t.deepEqual(await seen(), ['declined'])
    await p.a.rooms.memberships.invite({ sender: ALICE, userId: CAROL, roomId: p.roomId })
    t.deepEqual(await seen(), ['invited'], 'another one counts')
  })

test('whoever declines is heard in a room whose inviter and creator are gone', async t => {
  const p = await pair(t)
  const c = await p.world.add('c.test')
  c.federation.start()
  await p.invite({})
  await p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await p.a.rooms.memberships.invite({ sender: ALICE, userId: DAVE, roomId: p.roomId })
  await c.rooms.memberships.join({ userId: DAVE, roomId: p.roomId })
  const atC = async (userId: string) =>
    (await stateAt(c, p.roomId, 'm.room.member', userId))?.content['membership']
  await eventually(
    'Bob’s server knows of Dave',
    async () => (await stateAt(p.b, p.roomId, 'm.room.member', DAVE))?.content['membership'] === 'join',
  )
  await p.b.rooms.memberships.invite({ sender: BOB, userId: CAROL, roomId: p.roomId })
  await p.a.rooms.memberships.leave({ userId: ALICE, roomId: p.roomId })
  await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId })
  await eventually(
    'Dave is alone there',
    async () =>
      (await atC(ALICE)) === 'leave' && (await atC(BOB)) === 'leave' && (await atC(CAROL)) === 'invite',
  )
  await p.b.rooms.memberships.leave({ userId: CAROL, roomId: p.roomId })
  await eventually('it is heard', async () => (await atC(CAROL)) === 'leave')
  t.is((await p.b.core.context.read.invitations.one(CAROL, p.roomId))?.status, 'declined')
})

test('an invitation that a room does not have to which its server comes back is over, and holds again once the room has it', async t => {
  const p = await pair(t)
  await p.world.add('c.test')
  const content = { join_rule: 'public' }
  await setState(p.a, ALICE, p.roomId, { type: 'm.room.join_rules', content })
  const { rooms, core, clock } = p.b
  const isComplete = () =>
    eventually('the room is complete', async () => {
      await clock.advance(5_000)
      return (await core.writer.head(p.roomId))?.partial === undefined
    })
  const invited = async () => (await core.writer.head(p.roomId))?.memberships.get(DAVE)
  const isSeen = (status: string) =>
    eventually(`its sender sees ${status}`, async () => {
      const listed = await p.b.invitations?.listing.list(BOB, { direction: 'sent' })
      return listed?.invitations[0]?.status === status
    })
  await rooms.memberships.join({ userId: BOB, roomId: p.roomId, via: ['a.test'] })
  await isComplete()
  // What it does not hear back it takes to be known.
  p.world.intercept = ({ from, path }) =>
    from === 'b.test' && /\/(send|event)\//.test(path) ? 'unreachable' : undefined
  await rooms.memberships.invite({ sender: BOB, userId: DAVE, roomId: p.roomId })
  await isSeen('invited')
  const invitation = await stateAt(p.b, p.roomId, 'm.room.member', DAVE)
  await rooms.memberships.leave({ userId: BOB, roomId: p.roomId })
  await rooms.memberships.join({ userId: BOB, roomId: p.roomId, via: ['a.test'] })
  await isComplete()
  t.is(await invited(), undefined)
  await isSeen('cancelled')

  // Whether its server would bring it by itself depends on what else it has to bring.
  p.world.intercept = () => undefined
  await p.world.send(p.b, p.a, invitation === undefined ? [] : [invitation])
  await say(p.a, ALICE, p.roomId, 'more')
  await eventually('the room has it', async () => (await invited()) === 'invite')
  await isSeen('invited')
})
