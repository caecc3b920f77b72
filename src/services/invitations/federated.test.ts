/** Invitations between servers: two of Tessera, and one with a plain Matrix server, which knows nothing of records and terms. */
import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FederationWorld, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { federatedDiscovery } from '../discovery/federated.ts'
import { createDiscovery } from '../discovery/index.ts'
import { createInvitations, type Invitations } from './index.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const CAROL = '@carol:a.test'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Site extends WorldServer {
  /** Absent on a plain Matrix server. */
  readonly invitations: Invitations | undefined
}

const withInvitations = (
  t: ExecutionContext,
  server: WorldServer,
  plainServers: readonly string[],
): Invitations => {
  const { core, clock, rooms, client, federation } = server
  const discovery = createDiscovery({
    ...{ core, rooms, remote: federatedDiscovery(client) },
    ...{ hasDirectory: true, directoryIsForServers: true },
  })
  const invitations = createInvitations({
    ...{ core, clock, rooms, log: silentLog, roomSummaries: discovery.roomSummaries },
    standing: async () => undefined,
    people: { addressesOf: async () => [], languagesOf: async () => [], ownerOf: async () => undefined },
    limits: { maxSent: 100, maxReceived: 3, keepHistory: 365 * 24 * HOUR },
    peers: {
      queueEdu: federation.queueEdu,
      areOurs: async name => (await federation.areOurs(name)) && !plainServers.includes(name),
    },
  })
  for (const [type, handler] of Object.entries(invitations.eduHandlers))
    federation.transactions.onEdu(type, handler)
  federation.invitations.checks.push(invitation => invitations.sending.checkIncoming(invitation))
  invitations.start()
  t.teardown(() => invitations.close())
  return invitations
}

/** Alice's server and Bob's, one of which may be a plain Matrix server. */
const pair = async (t: ExecutionContext, plain: { alices?: boolean; bobs?: boolean } = {}) => {
  const world = new FederationWorld(t)
  const site = async (name: string, isPlain = false): Promise<Site> => {
    const server = await world.add(name)
    server.federation.start()
    return { ...server, invitations: isPlain ? undefined : withInvitations(t, server, plainServers) }
  }
  const plainServers = [...(plain.alices ? ['a.test'] : []), ...(plain.bobs ? ['b.test'] : [])]
  const a = await site('a.test', plain.alices)
  const b = await site('b.test', plain.bobs)
  const { roomCreation } = a.rooms
  const roomId = await roomCreation.create(newRoom(a.rooms, ALICE, { name: 'Tea' }), { isDirect: false })
  /** Alice invites Bob, with terms where her server knows such. */
  const invite = async (request: Parameters<Invitations['plan']>[0], reason?: string) => {
    const invitation = { sender: ALICE, userId: BOB, roomId, reason }
    if (a.invitations === undefined) return a.rooms.memberships.invite(invitation)
    await a.invitations.sending.send(invitation, a.invitations.plan(request))
  }
  const withdraw = async () => {
    if (a.invitations === undefined) await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
    else await a.invitations.withdrawal.cancel(ALICE, roomId, BOB)
  }
  /** How an invitation stands, as one of the two sees it. */
  const seenBy = async (server: Site) => {
    const { invitations } = server
    if (invitations === undefined) throw new Error('plain servers have no records')
    return invitations.listing.one(server === a ? ALICE : BOB, roomId, BOB).catch(() => undefined)
  }
  const becomes = (server: Site, status: string) =>
    eventually(`${server.name} sees ${status}`, async () => (await seenBy(server))?.status === status)
  const advance = async (ms: number) => {
    await a.clock.advance(ms)
    await b.clock.advance(ms)
  }
  const membership = async () => (await stateAt(a, roomId, 'm.room.member', BOB))?.content['membership']
  return { world, a, b, roomId, invite, withdraw, seenBy, becomes, advance, membership }
}

const kinds = [
  { name: 'across two servers', plain: {} },
  { name: 'where the invited user’s server is a plain one', plain: { bobs: true } },
  { name: 'where the inviter’s server is a plain one', plain: { alices: true } },
] as const

for (const { name, plain } of kinds) {
  test(`B declines, silently and with a message, ${name}`, async t => {
    const p = await pair(t, plain)
    const sides = [p.a, p.b].filter(({ invitations }) => invitations !== undefined)
    await p.invite({}, 'come')
    for (const side of sides) t.like(await p.seenBy(side), { status: 'invited', reason: 'come' })
    if (p.b.invitations !== undefined) {
      const shown = await p.seenBy(p.b)
      const created = await stateAt(p.a, p.roomId, 'm.room.create')
      const facts = {
        ...{ room_id: p.roomId, name: 'Tea', topic: '', encryption: 'cleartext', alt_aliases: [] },
        ...{ creator: ALICE, created_ts: created?.originServerTs, is_public: false },
        ...{ media: ['text', 'audio', 'video', 'screenshare'], joined_members: 1, invited_members: 1 },
      }
      t.like(shown?.room, facts, 'no second round-trip')
      if (p.a.invitations !== undefined) t.like((await p.seenBy(p.a))?.room, facts)
      t.like(shown?.inviter, { user_id: ALICE, displayname: 'alice' })
    }
    await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'no time' })
    for (const side of sides) await p.becomes(side, 'declined')
    if (p.a.invitations !== undefined) t.is((await p.seenBy(p.a))?.answer, 'no time')

    await p.invite({}, 'again')
    const content = { 'chat.tessera.silent': true }
    await p.b.rooms.memberships.leave({ userId: BOB, roomId: p.roomId, reason: 'sh', content })
    for (const side of sides) await p.becomes(side, 'declined')
    if (p.a.invitations !== undefined) {
      t.is((await p.seenBy(p.a))?.answer, undefined)
      t.true((await p.a.invitations.listing.record(ALICE, p.roomId, BOB)).silent)
    }
  })

  test(`B was offline when invited, and A is offline when B comes, ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({})
    await p.advance(2 * HOUR)
    await p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'accepted')
    if (p.a.invitations !== undefined) await p.becomes(p.a, 'accepted')
    t.is(await p.membership(), 'join')
  })

  test(`an invitation is put into a calendar ${name}`, async t => {
    const p = await pair(t, plain)
    const event = { start: p.a.clock.now() + HOUR, end: p.a.clock.now() + 2 * HOUR, summary: 'Tea time' }
    const sides = [p.a, p.b].flatMap(({ invitations }) => invitations ?? [])
    const calendarOf = async ({ listing }: Invitations) => {
      const viewer = listing === p.a.invitations?.listing ? ALICE : BOB
      const { text } = await listing.calendar(viewer, p.roomId, BOB)
      const line = (of: string) =>
        new RegExp(`^${of}[;:].*`, 'm').exec(text.replaceAll('\r\n ', ''))?.[0].trim()
      return { method: line('METHOD'), uid: line('UID'), start: line('DTSTART'), sequence: line('SEQUENCE') }
    }
    const answer = async (partstat: 'ACCEPTED' | 'DECLINED') => {
      const { replies } = p.b.invitations ?? {}
      if (replies === undefined) {
        // Where no calendar is heard, people answer in the room.
        const change = { userId: BOB, roomId: p.roomId, reason: 'a word' }
        await p.b.rooms.memberships[partstat === 'ACCEPTED' ? 'join' : 'leave'](change)
        return
      }
      const { uid = '' } = await calendarOf(p.b.invitations as Invitations)
      const lines = ['BEGIN:VCALENDAR', 'METHOD:REPLY', 'BEGIN:VEVENT', uid, 'COMMENT:a word']
      lines.push(`ATTENDEE;PARTSTAT=${partstat}:matrix:u/bob:b.test`, 'END:VEVENT', 'END:VCALENDAR')
      await replies.take(BOB, p.roomId, lines.join('\r\n'))
    }

    await p.invite({ event }, 'come')
    const shown = await Promise.all(sides.map(calendarOf))
    for (const calendar of shown) {
      t.like(calendar, { method: 'METHOD:REQUEST', sequence: 'SEQUENCE:0' })
      t.is(calendar.uid, shown[0]?.uid, 'the same in both calendars')
      t.is(calendar.start, shown[0]?.start)
    }
    await answer('DECLINED')
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'declined')
    if (p.a.invitations !== undefined) t.is((await p.seenBy(p.a))?.answer, 'a word')

    await p.invite({ event }, 'once more')
    for (const side of sides) t.not((await calendarOf(side)).uid, shown[0]?.uid, 'another invitation')
    await p.withdraw()
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'cancelled')
    for (const side of sides)
      t.like(await calendarOf(side), { method: 'METHOD:CANCEL', sequence: 'SEQUENCE:1' }, 'raised')

    await p.invite({ event }, 'do come')
    await answer('ACCEPTED')
    for (const site of [p.a, p.b]) if (site.invitations !== undefined) await p.becomes(site, 'accepted')
    t.is(await p.membership(), 'join')
  })

  test(`an invitation is cancelled ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({})
    await p.withdraw()
    const pending = () => p.b.core.context.read.invitations.one(BOB, p.roomId)
    await eventually('it is gone', async () => (await pending())?.status === 'cancelled')
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'cancelled')
    if (p.a.invitations !== undefined) await p.becomes(p.a, 'cancelled')
    t.is(await p.membership(), 'leave')
  })
}

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

for (const { name, plain } of kinds.slice(0, 2)) {
  test(`an invitation expires ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({ ttl_ms: HOUR })
    await p.advance(HOUR)
    await p.becomes(p.a, 'expired')
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'expired')
    const pending = () => p.b.core.context.read.invitations.one(BOB, p.roomId)
    await eventually('it is gone', async () => (await pending())?.status !== 'invited')
    t.is(await p.membership(), 'leave', 'withdrawn on the inviter’s behalf')
    await t.throwsAsync(p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId }))
  })

  // Plain servers schedule nothing: there is no third kind.
  test(`an invitation is scheduled ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({ delay_ms: HOUR, ttl_ms: 10 * HOUR }, 'later')
    t.is((await p.seenBy(p.a))?.status, 'scheduled')
    p.world.intercept = ({ to }) => (to === 'b.test' ? 'unreachable' : undefined)
    const tried = () => p.world.requests.filter(one => one.includes('/invite/')).length
    await p.advance(HOUR)
    await eventually('it is tried', () => tried() > 0)
    t.is((await p.seenBy(p.a))?.status, 'scheduled')
    p.world.intercept = () => undefined
    // The retry is stored a moment after the attempt.
    await eventually('it is there', async () => {
      await p.a.clock.advance(MINUTE)
      return (await p.seenBy(p.a))?.status === 'invited'
    })
    t.is((await p.b.core.context.read.invitations.one(BOB, p.roomId))?.status, 'invited')
    if (p.b.invitations !== undefined) t.like(await p.seenBy(p.b), { reason: 'later', status: 'invited' })
  })
}

test('an invitation expires by the clock of the invited where the inviter’s server is away', async t => {
  const p = await pair(t)
  await p.invite({ ttl_ms: HOUR })
  p.world.intercept = () => 'unreachable'
  await p.b.clock.advance(HOUR)
  await p.becomes(p.b, 'expired')
  t.is(await p.membership(), 'invite')
  const join = p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await t.throwsAsync(join, { message: /expired/ })
})

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
  const cancelAs = (sender: string, userId = BOB) => sideOf(p.a).withdrawal.cancel(sender, p.roomId, userId)
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

test('an invitation expires where the inviter’s server is a plain one', async t => {
  // A client of ours wrote its terms, which its server passes on without knowing them.
  const p = await pair(t, { alices: true })
  const content = { 'chat.tessera.invitation': { expires_ts: p.b.clock.now() + HOUR } }
  await p.a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId: p.roomId, content })
  t.like(await p.seenBy(p.b), { status: 'invited', expires_ts: p.b.clock.now() + HOUR })
  await p.advance(HOUR)
  await p.becomes(p.b, 'expired')
  t.is(await p.membership(), 'invite', 'its own server knows of no end')
  const join = p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId })
  await t.throwsAsync(join, { message: /expired/ })
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
