/** Invitations between servers of which one is away, slow, refuses, or sends too many. */
import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, HOUR, MINUTE, pair } from '../../test-kit/federated-invitations.ts'
import { newRoom } from '../../test-kit/rooms.ts'

test('an answer is brought to a server that did not hear it', async t => {
  const p = await pair(t)
  await p.invite({})
  p.world.intercept = ({ to }) => (to === 'a.test' ? 'unreachable' : undefined)
  await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'sorry' })
  t.like(await p.seenBy(p.b), { status: 'declined', answer: 'sorry' })
  const tried = () => p.world.requests.filter(one => one.includes('make_leave')).length
  const before = tried()
  await p.advance(2 * MINUTE)
  await eventually('it is tried again', () => tried() > before)
  t.is(await p.membership(), 'invite')
  p.world.intercept = () => undefined
  await p.advance(HOUR)
  await p.becomes(p.a, 'declined')
  t.is((await p.seenBy(p.a))?.answer, 'sorry')
  const after = tried()
  await p.advance(3 * HOUR)
  t.is(tried(), after, 'once delivered, nothing is held')
})

test('an answer that crosses another invitation on its way is one', async t => {
  const p = await pair(t)
  await p.invite({}, 'come')
  await p.becomes(p.b, 'invited')
  const arrived = Promise.withResolvers<void>()
  p.world.transport = async ({ path }, deliver) => {
    const answer = await deliver()
    if (path.includes('/invite/')) await arrived.promise
    return answer
  }
  const again = p.invite({}, 'do come')
  await eventually('it is there', async () => (await p.seenBy(p.b))?.reason === 'do come')
  await p.b.clock.advance(MINUTE)
  await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'no time' })
  await p.becomes(p.a, 'declined')
  arrived.resolve()
  await again
  t.is(await p.membership(), 'leave')
  t.like(await p.seenBy(p.a), { status: 'declined', answer: 'no time' })
  t.like(await p.seenBy(p.b), { status: 'declined' })
})

test('what a server refuses fails visibly', async t => {
  const p = await pair(t)
  await p.invite({ delay_ms: HOUR })
  p.world.intercept = ({ path }) =>
    path.includes('/invite/')
      ? { status: 403, json: { errcode: 'M_INVITE_BLOCKED', error: 'no' } }
      : undefined
  await p.advance(HOUR)
  await p.becomes(p.a, 'cancelled')
  t.is((await p.seenBy(p.a))?.failure?.errcode, 'M_INVITE_BLOCKED')
  t.is(await p.seenBy(p.b), undefined)
})

test('whom a new room could not invite is invited later, or whoever made it is told why', async t => {
  const p = await pair(t)
  const { clock, invitations, rooms } = p.a
  if (invitations === undefined) return t.fail()
  const { sending, listing } = invitations
  /** `ms` pass between two looks: none where an answer is to come, which nobody may cease to wait for on a slow machine. */
  const make = async (ms: number) => {
    let roomId: string | undefined
    const made = rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), {
      isDirect: false,
      invite: invitation => sending.send({ ...invitation, reason: 'come' }, {}),
      unsent: (invitation, error) => sending.keep({ ...invitation, reason: 'come' }, {}, error),
    })
    const making = made.then(id => {
      roomId = id
    })
    await eventually('nobody waits any longer', async () => {
      await clock.advance(ms)
      return roomId !== undefined
    })
    await making
    return roomId ?? ''
  }
  const stands = (roomId: string) => listing.one(ALICE, roomId, BOB).catch(() => undefined)
  p.world.intercept = ({ path }) =>
    path.includes('/invite/') ? { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'no' } } : undefined
  t.like(await stands(await make(0)), { status: 'cancelled', failure: { errcode: 'M_FORBIDDEN' } })

  const silent = Promise.withResolvers<void>()
  p.world.intercept = () => undefined
  p.world.transport = async ({ path }, deliver) => {
    if (path.includes('/invite/')) await silent.promise
    return deliver()
  }
  const unheard = await make(1_000)
  t.like(await stands(unheard), { status: 'scheduled', reason: 'come' })
  silent.resolve()
  await eventually(
    'what took long is heard of all the same',
    async () => (await stands(unheard))?.status === 'invited',
  )

  p.world.intercept = ({ to }) => (to === 'b.test' ? 'unreachable' : undefined)
  const roomId = await make(1_000)
  t.like(await stands(roomId), { status: 'scheduled', reason: 'come' })
  p.world.intercept = () => undefined
  await eventually('he is invited', async () => {
    await clock.advance(MINUTE)
    return (await stands(roomId))?.status === 'invited'
  })
  t.is((await p.b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
})

test('other servers cannot fill somebody’s inbox without bound', async t => {
  const p = await pair(t)
  const invite = async () => {
    const roomId = await p.a.rooms.roomCreation.create(newRoom(p.a.rooms, ALICE), { isDirect: false })
    await p.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
    // So that b has it on record.
    await p.b.invitations?.follower.caughtUp()
    return roomId
  }
  const [first = ''] = [await invite(), await invite(), await invite()]
  await t.throwsAsync(invite(), { message: /too many/ })
  await p.b.rooms.memberships.leave({ userId: BOB, roomId: first })
  await p.b.invitations?.follower.caughtUp()
  await t.notThrowsAsync(invite())
})
