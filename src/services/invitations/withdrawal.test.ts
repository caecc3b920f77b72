/** Who may invite but not kick takes invitations back, also across servers. */
import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, HOUR, MINUTE, pair, type Site } from '../../test-kit/federated-invitations.ts'
import { stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import type { Invitations } from './index.ts'

const CAROL = '@carol:a.test'

/** Carol is in Alice's room, where she may invite, and not kick. */
const withGuest = async (t: ExecutionContext, plain: { bobs?: boolean } = {}) => {
  const p = await pair(t, plain)
  const { memberships } = p.a.rooms
  const enter = async (server: WorldServer, userId: string) => {
    await memberships.invite({ sender: ALICE, userId, roomId: p.roomId })
    await server.rooms.memberships.join({ userId, roomId: p.roomId })
  }
  await enter(p.a, CAROL)
  const sideOf = ({ invitations }: Site): Invitations => {
    if (invitations === undefined) throw new Error('plain servers have no records')
    return invitations
  }
  const inviteAs = async (sender: string, request: Parameters<Invitations['plan']>[0] = {}, userId = BOB) => {
    const { sending, plan, records, follower } = sideOf(p.a)
    await sending.send({ sender, userId, roomId: p.roomId }, plan(request))
    await follower.caughtUp()
    return (await records.read.one(p.roomId, userId))?.eventId ?? ''
  }
  const cancelAs = (sender: string, userId = BOB) =>
    sideOf(p.a).withdrawal.cancel({ userId: sender }, p.roomId, userId)
  const recordAt = async (site: Site, userId = BOB) => {
    await sideOf(site).follower.caughtUp()
    return sideOf(site).records.read.one(p.roomId, userId)
  }
  const left = async (userId = BOB) => {
    await eventually('it is rejected in the room', async () => {
      return (await stateAt(p.a, p.roomId, 'm.room.member', userId))?.content['membership'] === 'leave'
    })
    return stateAt(p.a, p.roomId, 'm.room.member', userId)
  }
  const tell = (content: JsonObject, from: WorldServer = p.a) =>
    p.b.federation.transactions.receive(from.name, `told-${++told}`, {
      pdus: [],
      edus: [{ edu_type: 'chat.tessera.invitation_withdrawn', content }],
    })
  let told = 0
  const eduOf = (event_id: string, more: JsonObject = {}): JsonObject => ({
    ...{ event_id, room_id: p.roomId, sender: CAROL, user_id: BOB, ...more },
  })
  return { ...p, enter, inviteAs, cancelAs, recordAt, left, tell, eduOf }
}

for (const { name, memberOfBs } of [
  { name: 'of a server that is not in the room', memberOfBs: false },
  { name: 'of a server in the room', memberOfBs: true },
]) {
  test(`somebody who may not kick withdraws an invitation to a user ${name}`, async t => {
    const p = await withGuest(t)
    if (memberOfBs) await p.enter(p.b, '@dora:b.test')
    await p.inviteAs(CAROL)
    if (memberOfBs) await eventually('it has come', async () => (await p.recordAt(p.b))?.status === 'invited')
    await p.cancelAs(CAROL)
    t.is((await p.recordAt(p.a))?.status, 'cancelled', 'at once')
    const member = await p.left()
    t.is(member?.sender, BOB, 'by their own server')
    t.deepEqual(member?.content, {
      membership: 'leave',
      'chat.tessera.invitation': { withdrawn: true },
    })
    for (const site of [p.a, p.b]) {
      const record = await p.recordAt(site)
      t.like(record, { status: 'cancelled', silent: false })
      t.is(record?.details.answer, undefined)
    }
    t.is((await p.b.core.context.read.invitations.one(BOB, p.roomId))?.status, 'cancelled')
    const held = async () => (await p.recordAt(p.b))?.details.untold
    await eventually('nothing is held', async () => (await held()) === undefined)

    const again = await p.inviteAs(CAROL)
    await eventually('the next one has come', async () => (await p.recordAt(p.b))?.eventId === again)
    t.is((await p.recordAt(p.b))?.status, 'invited')
    await p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  })
}

test('what came to nothing on the way is withdrawn later; plain servers take nothing back', async t => {
  const plain = await withGuest(t, { bobs: true })
  await plain.inviteAs(CAROL)
  const refusal = { errcode: 'M_FORBIDDEN', message: /may not kick .* b\.test takes no invitation back/ }
  t.like(await t.throwsAsync(plain.cancelAs(CAROL)), { errcode: refusal.errcode })
  await t.throwsAsync(plain.cancelAs(CAROL), { message: refusal.message })
  t.is((await plain.recordAt(plain.a))?.status, 'invited', 'it still stands')

  const p = await withGuest(t)
  await p.inviteAs(CAROL)
  p.world.intercept = () => 'unreachable'
  t.like(await t.throwsAsync(p.cancelAs(CAROL)), { errcode: 'M_CONNECTION_FAILED' })
  t.is((await p.recordAt(p.a))?.status, 'invited')
  p.world.intercept = ({ path }) => (path.includes('/send_leave/') ? 'unreachable' : undefined)
  await p.cancelAs(CAROL)
  await eventually('it is gone for Bob', async () => (await p.recordAt(p.b))?.status === 'cancelled')
  const join = p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await t.throwsAsync(join, { message: /was withdrawn/ }, 'though the room knows nothing yet')
  p.world.intercept = () => undefined
  await eventually('it is tried again', async () => {
    await p.advance(MINUTE)
    return (await p.membership()) === 'leave'
  })
})

test('withdrawals are taken from who has invited, once, and before the invitation, too', async t => {
  const p = await withGuest(t)
  const c = await p.world.add('c.test')
  const status = async () => (await p.recordAt(p.b))?.status
  const first = await p.inviteAs(CAROL)
  await p.tell(p.eduOf(first, { sender: ALICE }))
  await p.tell(p.eduOf(first), c)
  await p.tell(p.eduOf(first, { sender: '@carol:c.test' }), c)
  await p.tell(p.eduOf(first, { user_id: '@dora:b.test' }))
  await p.tell(p.eduOf('$another'))
  for (const wrong of [{ event_id: 7 }, { room_id: null }, { sender: 'carol' }, { user_id: ALICE }])
    await p.tell(p.eduOf(first, wrong))
  t.is(await status(), 'invited', 'of nobody else')

  await p.tell(p.eduOf(first))
  t.is(await status(), 'cancelled')
  await p.left()
  const leaves = () => p.world.requests.filter(one => one.includes('/send_leave/')).length
  t.is(leaves(), 1)
  await p.tell(p.eduOf(first))
  const second = await p.inviteAs(CAROL)
  await p.tell(p.eduOf(first))
  t.is(await status(), 'invited', 'an old one is about the old invitation')
  await p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await p.tell(p.eduOf(second))
  t.is(await status(), 'accepted')
  t.is(leaves(), 1)

  // The ID of the event is known before it is sent: it follows from its content.
  p.world.transport = async ({ path }, deliver) => {
    const [, eventId] = /\/invite\/[^/]+\/(\$.+)/.exec(path) ?? []
    if (eventId !== undefined) await p.tell(p.eduOf(eventId, { user_id: '@eve:b.test' }))
    return deliver()
  }
  await p.inviteAs(CAROL, {}, '@eve:b.test')
  await eventually('it is over', async () => (await p.recordAt(p.b, '@eve:b.test'))?.status === 'cancelled')
  await p.left('@eve:b.test')
})

test('what expires in the name of who may not kick is taken out of the room in the end', async t => {
  const p = await withGuest(t)
  await p.inviteAs(CAROL, { ttl_ms: HOUR })
  await p.inviteAs(CAROL, { ttl_ms: HOUR }, '@finn:a.test')
  await p.advance(HOUR)
  for (const site of [p.a, p.b])
    await eventually('it has expired', async () => (await p.recordAt(site))?.status === 'expired')
  t.deepEqual((await p.left('@finn:a.test'))?.content, {
    membership: 'leave',
    'chat.tessera.invitation': { expired: true },
  })
  await eventually('the server of the invited waits for the other', async () => {
    await p.advance(5 * MINUTE)
    return (await p.membership()) === 'leave'
  })
  t.is((await p.left())?.sender, BOB)
  for (const site of [p.a, p.b]) t.is((await p.recordAt(site))?.status, 'expired')
})

test('somebody who may not kick withdraws an invitation to a user of the same server', async t => {
  const p = await withGuest(t)
  await p.inviteAs(CAROL, {}, '@finn:a.test')
  await p.cancelAs(CAROL, '@finn:a.test')
  t.is((await p.left('@finn:a.test'))?.sender, '@finn:a.test')
  t.is((await p.recordAt(p.a, '@finn:a.test'))?.status, 'cancelled')
})

test('what is cancelled while it is being sent does not stay', async t => {
  const p = await withGuest(t)
  await p.inviteAs(ALICE, { delay_ms: HOUR })
  let isCancelled = false
  p.a.rooms.memberships.invitationChecks.push(async () => {
    if (isCancelled) return
    isCancelled = true
    await p.cancelAs(ALICE)
  })
  await p.advance(HOUR)
  await p.left()
  t.true(isCancelled)
  await eventually('it is cancelled', async () => (await p.recordAt(p.a))?.status === 'cancelled')
})

test('whose server answers after the invitation into a new room was withdrawn is not left invited', async t => {
  const p = await pair(t)
  const { invitations, rooms, clock, core } = p.a
  if (invitations === undefined) return t.fail()
  const { sending, withdrawal, records } = invitations
  const [answer, heard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  p.world.transport = async ({ path }, deliver) => {
    const answered = await deliver()
    if (path.includes('/invite/')) {
      heard.resolve()
      await answer.promise
    }
    return answered
  }
  const sent: Promise<void>[] = []
  let roomId: string | undefined
  const making = rooms.roomCreation
    .create(newRoom(rooms, ALICE, { invite: [BOB] }), {
      isDirect: false,
      invite: invitation => {
        const sendingIt = sending.sendFirst(invitation, {})
        sent.push(sendingIt)
        return sendingIt
      },
      unsent: (invitation, error) => sending.keep(invitation, {}, error),
    })
    .then(id => {
      roomId = id
    })
  await heard.promise
  await eventually('nobody waits any longer', async () => {
    await clock.advance(1_000)
    return roomId !== undefined
  })
  await making
  const made = roomId ?? ''
  t.is((await records.read.one(made, BOB))?.status, 'scheduled')
  t.is((await p.b.core.context.read.invitations.one(BOB, made))?.status, 'invited')
  await withdrawal.cancel({ userId: ALICE }, made, BOB)
  answer.resolve()
  await Promise.all(sent)
  t.is((await core.writer.head(made))?.memberships.get(BOB), 'leave')
  await eventually(
    'his server has heard of it',
    async () => (await p.b.core.context.read.invitations.one(BOB, made))?.status === 'cancelled',
  )
  await invitations.follower.caughtUp()
  t.is((await records.read.one(made, BOB))?.status, 'cancelled')
})
