/** Invitations between servers: two of Tessera, and one with a plain Matrix server, which knows nothing of records and terms. */
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FederationWorld, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { federatedDiscovery } from '../discovery/federated.ts'
import { createDiscovery } from '../discovery/index.ts'
import { createInvitations, type Invitations } from './index.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Site extends WorldServer {
  /** Absent on a plain Matrix server. */
  readonly invitations: Invitations | undefined
}

const withInvitations = (t: ExecutionContext, server: WorldServer): Invitations => {
  const { core, clock, rooms, client, federation } = server
  const discovery = createDiscovery({
    ...{ core, rooms, remote: federatedDiscovery(client) },
    ...{ hasDirectory: true, directoryIsForServers: true },
  })
  const invitations = createInvitations({
    ...{ core, clock, rooms, log: silentLog, roomSummaries: discovery.roomSummaries },
    standing: async () => undefined,
    people: { addressesOf: async () => [], ownerOf: async () => undefined },
    limits: { maxSent: 100, maxReceived: 3, keepHistory: 365 * 24 * HOUR },
  })
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
    return { ...server, invitations: isPlain ? undefined : withInvitations(t, server) }
  }
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
  return { world, a, b, roomId, invite, seenBy, becomes, advance, membership }
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
      t.like(shown?.room, { name: 'Tea', creator: ALICE }, 'no second round-trip')
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

  test(`an invitation is cancelled ${name}`, async t => {
    const p = await pair(t, plain)
    await p.invite({})
    if (p.a.invitations === undefined)
      await p.a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId: p.roomId })
    else await p.a.invitations.withdrawal.cancel(ALICE, p.roomId, BOB)
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

test('an invitation expires on both sides', async t => {
  for (const plain of [{}, { bobs: true }]) {
    const p = await pair(t, plain)
    await p.invite({ ttl_ms: HOUR })
    await p.advance(HOUR)
    await p.becomes(p.a, 'expired')
    if (p.b.invitations !== undefined) await p.becomes(p.b, 'expired')
    const pending = () => p.b.core.context.read.invitations.one(BOB, p.roomId)
    await eventually('it is gone', async () => (await pending())?.status !== 'invited')
    t.is(await p.membership(), 'leave', 'withdrawn on the inviter’s behalf')
    await t.throwsAsync(p.b.rooms.memberships.join({ userId: BOB, roomId: p.roomId }))
  }
})

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

test('a scheduled invitation is delivered at its time, and tried until the other server answers', async t => {
  for (const plain of [{}, { bobs: true }]) {
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
  }
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
