import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import { buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { transactionBody } from '../../network/federation/transactions.ts'
import { FederationError } from '../../network/federation-client.ts'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { DatabaseUnavailable } from '../../storage/database.ts'
import { InboxReader, InboxWriter } from '../../storage/federation/inbox.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { startPeer } from '../../test-kit/federation.ts'
import {
  FEDERATION_OPTIONS,
  FederationWorld,
  messagesOf,
  say,
  setState,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { realClock } from '../../test-kit/real-clock.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { testAuthority } from '../../test-kit/tls.ts'
import type { NewRoom } from '../rooms/room-templates.ts'
import { createFederation } from './index.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const CAROL = '@carol:c.test'

interface Pair {
  readonly world: FederationWorld
  readonly a: WorldServer
  readonly b: WorldServer
}

const pair = async (t: ExecutionContext, database?: WorldServer['database']): Promise<Pair> => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', database === undefined ? {} : { database })
  return { world, a, b }
}

const makeRoom = ({ rooms }: WorldServer, fields: Partial<NewRoom> = { preset: 'public_chat' }) =>
  rooms.roomCreation.create(newRoom(rooms, ALICE, fields), { isDirect: false })

/** A room of Alice on `a` that Bob has joined from `b`. */
const sharedRoom = async (p: Pair, fields?: Partial<NewRoom>): Promise<string> => {
  const roomId = await makeRoom(p.a, fields)
  await p.b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  return roomId
}

/** Builds an event as a server that keeps to no rules would. */
const forge = async (
  server: WorldServer,
  roomId: string,
  fields: { sender: string; type?: string; stateKey?: string; content?: JsonObject; prevEvents?: string[] },
  key = server.core.signingKey,
): Promise<RoomEvent> => {
  const head = await server.core.writer.head(roomId)
  if (head === undefined) throw new Error('no such room')
  const auth = [
    ['m.room.power_levels', ''],
    ['m.room.member', fields.sender],
  ].flatMap(([type = '', stateKey = '']) => head.entry(type, stateKey)?.eventId ?? [])
  return buildEvent(
    {
      version: head.version,
      roomId,
      type: 'm.room.message',
      content: { body: 'forged', msgtype: 'm.text' },
      prevEvents: head.extremities.map(extremity => extremity.eventId),
      authEvents: auth,
      depth: head.nextDepth,
      originServerTs: server.clock.now(),
      ...fields,
    },
    server.name,
    key,
  )
}

testDatabases(test, 'two servers: invitation, join, and messages both ways', async (t, database) => {
  const p = await pair(t, database)
  const { a, b, world } = p
  const roomId = await makeRoom(a, { preset: 'private_chat', name: 'Tea' })
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  const invitation = await b.core.context.read.invitations.one(BOB, roomId)
  t.is(invitation?.status, 'invited')
  t.true(
    invitation?.strippedState.some(({ type, content }) => type === 'm.room.name' && content !== undefined),
  )
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'accepted')
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), 'join')
  await world.send(a, b, [await say(a, ALICE, roomId, 'milk?')])
  await world.send(b, a, [await say(b, BOB, roomId, 'sugar!')])
  t.deepEqual(await messagesOf(b, roomId), ['milk?', 'sugar!'])
  t.deepEqual(await messagesOf(a, roomId), ['milk?', 'sugar!'])
  const staged = new InboxReader(database)
  t.deepEqual(await staged.staged(undefined, 10), [], 'nothing stays staged')
})

test('a room of every version is joined, talked in and left', async t => {
  const p = await pair(t)
  for (const id of ['1', '3', '6', '8', '10', '11', '12']) {
    const version = p.a.rooms.roomSettings.versionFor(id)
    const roomId = await sharedRoom(p, { preset: 'public_chat', version })
    await p.world.send(p.b, p.a, [await say(p.b, BOB, roomId, 'hello')])
    await p.world.send(p.a, p.b, [await say(p.a, ALICE, roomId, 'welcome')])
    t.deepEqual(await messagesOf(p.a, roomId), ['hello', 'welcome'], `version ${id}`)
    t.deepEqual(await messagesOf(p.b, roomId), ['hello', 'welcome'], `version ${id}`)
  }
})

test('an invitation is declined over federation, and another withdrawn', async t => {
  const { a, b, world } = await pair(t)
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), 'leave')
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'declined')

  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
  await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
  const kick = await stateAt(a, roomId, 'm.room.member', BOB)
  await world.send(a, b, kick === undefined ? [] : [kick])
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'cancelled')
})

test('who does not want to be invited is not, and the inviter is told', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  const accountData = new AccountDataWriter(b.database)
  const write = (content: object) =>
    b.database.commit({
      statements: [accountData.set(BOB, '', 'm.invite_permission_config', JSON.stringify(content))],
    })
  await write({ default_action: 'block' })
  await t.throwsAsync(a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId }), {
    message: /does not want/,
  })
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), undefined)
  t.is(await b.core.context.read.invitations.one(BOB, roomId), undefined)
  await write({})
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
})

test('nobody but the inviting room can withdraw an invitation', async t => {
  const { a, b, world } = await pair(t)
  const c = await world.add('c.test')
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  const stranger = await forge(a, roomId, {
    sender: CAROL,
    type: 'm.room.member',
    stateKey: BOB,
    content: { membership: 'leave' },
  })
  const signed = buildLike(stranger, c)
  await world.send(c, b, [signed])
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
})

/** The same event, as another server would have made it. */
const buildLike = (event: RoomEvent, server: WorldServer): RoomEvent =>
  buildEvent(
    {
      version: event.version,
      roomId: event.roomId,
      type: event.type,
      sender: event.sender,
      ...(event.stateKey === undefined ? {} : { stateKey: event.stateKey }),
      content: event.content,
      prevEvents: event.prevEvents,
      authEvents: event.authEvents,
      depth: event.depth,
      originServerTs: event.originServerTs,
    },
    server.name,
    server.core.signingKey,
  )

test('invitations are refused: unknown user, other server, other version, wrong signature', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test', { mayBeInvited: async userId => userId === BOB })
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  const create = await stateAt(a, roomId, 'm.room.create')
  const describing = create === undefined ? [] : [create.pdu]
  const invite = (
    event: RoomEvent,
    roomVersion = '12',
    eventId = event.eventId,
    inviteRoomState = describing,
  ) => a.client.invite('b.test', { roomId, eventId, event: event.pdu, roomVersion, inviteRoomState })
  const member = (userId: string, key?: typeof a.core.signingKey, sender = ALICE) =>
    forge(
      a,
      roomId,
      { sender, type: 'm.room.member', stateKey: userId, content: { membership: 'invite' } },
      key,
    )
  const refused = async (errcode: string, event: Promise<RoomEvent>, version?: string, id?: string) => {
    const error = await t.throwsAsync(invite(await event, version, id), { instanceOf: FederationError })
    t.is(error?.errcode, errcode, error?.message)
  }
  await refused('M_FORBIDDEN', member('@nobody:b.test'))
  await refused('M_INVALID_PARAM', member(CAROL))
  await refused('M_INCOMPATIBLE_ROOM_VERSION', member(BOB), 'org.example.odd')
  await refused('M_INVALID_PARAM', member(BOB, signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(99))))
  await refused('M_INVALID_PARAM', member(BOB, undefined, CAROL))
  await refused('M_INVALID_PARAM', member(BOB), '12', '$other')
  const bare = await t.throwsAsync(invite(await member(BOB), '12', undefined, []), {
    instanceOf: FederationError,
  })
  t.is(bare?.errcode, 'M_MISSING_PARAM')
  const elsewhere = await stateAt(a, await makeRoom(a), 'm.room.name')
  for (const odd of [elsewhere?.pdu ?? {}, { ...create?.pdu, hashes: {} }, { type: 'm.room.name' }]) {
    const described = invite(await member(BOB), '12', undefined, [...describing, odd])
    t.is((await t.throwsAsync<FederationError>(described))?.errcode, 'M_INVALID_PARAM')
  }
  t.is(await b.core.context.read.invitations.one(BOB, roomId), undefined)
  const welcome = await member(BOB)
  const event = { ...welcome.pdu, unsigned: { age: 7 } }
  const answer = await a.client.invite('b.test', {
    ...{ roomId, event, eventId: welcome.eventId },
    ...{ roomVersion: '12', inviteRoomState: describing },
  })
  t.deepEqual(Object.keys(answer['signatures'] as JsonObject).toSorted(), ['a.test', 'b.test'])
  t.deepEqual({ ...answer, signatures: {} }, { ...event, signatures: {} }, 'all else is as it was')
})

test('joins are refused as the room and its version demand', async t => {
  const { a, b, world } = await pair(t)
  const closed = await makeRoom(a, { preset: 'private_chat' })
  const open = await makeRoom(a)
  const makeJoin = (roomId: string, userId = BOB, versions = ['12']) =>
    b.client.makeJoin('a.test', { roomId, userId, versions })
  const refused = async (errcode: string, request: Promise<unknown>) => {
    const error = await t.throwsAsync(request, { instanceOf: FederationError })
    t.is(error?.errcode, errcode, error?.message)
    return error
  }
  await refused('M_FORBIDDEN', makeJoin(closed))
  await refused('M_NOT_FOUND', makeJoin('!nowhere'))
  await refused('M_FORBIDDEN', makeJoin(open, CAROL))
  const error = await refused('M_INCOMPATIBLE_ROOM_VERSION', makeJoin(open, BOB, ['1', '11']))
  t.is(error?.fields['room_version'], '12')
  await setState(a, ALICE, open, {
    type: 'm.room.server_acl',
    content: { allow: ['*'], deny: ['b.test'] },
  })
  await refused('M_FORBIDDEN', makeJoin(open))
  const c = await world.add('c.test')
  await c.rooms.memberships.join({ userId: CAROL, roomId: open, via: ['a.test'] })
  t.is((await a.core.writer.head(open))?.memberships.get(CAROL), 'join')
})

test('a restricted room lets in who is in the other room, with our signature', async t => {
  const { a, b, world } = await pair(t)
  const club = await sharedRoom({ a, b, world })
  const restricted = await makeRoom(a, {
    preset: 'private_chat',
    initialState: [
      {
        type: 'm.room.join_rules',
        stateKey: '',
        content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] },
      },
    ],
  })
  await b.rooms.memberships.join({ userId: BOB, roomId: restricted, via: ['a.test'] })
  const member = await stateAt(a, restricted, 'm.room.member', BOB)
  t.is(member?.content['join_authorised_via_users_server'], ALICE)
  t.deepEqual(Object.keys(member?.pdu['signatures'] as JsonObject).toSorted(), ['a.test', 'b.test'])
  const c = await world.add('c.test')
  const error = await t.throwsAsync(
    c.client.makeJoin('a.test', { roomId: restricted, userId: CAROL, versions: ['12'] }),
    { instanceOf: FederationError },
  )
  t.is(error?.errcode, 'M_FORBIDDEN')
})

test('knocking, and being let in', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a, {
    preset: 'private_chat',
    initialState: [{ type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'knock' } }],
  })
  await b.rooms.memberships.knock({ userId: BOB, roomId, via: ['a.test'] })
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), 'knock')
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  t.is((await b.core.writer.head(roomId))?.memberships.get(BOB), 'join')
})

test('a partial answer to a join leaves out members, and says which servers are there', async t => {
  const { a, b, world } = await pair(t)
  const roomId = await sharedRoom({ a, b, world }, { preset: 'public_chat', name: 'Tea' })
  const c = await world.add('c.test')
  const template = await c.client.makeJoin('a.test', { roomId, userId: CAROL, versions: ['12'] })
  const { origin: _, ...fields } = template.event
  const head = await a.core.writer.head(roomId)
  if (head === undefined) throw new Error('no room')
  const joining = buildEvent(
    {
      version: head.version,
      roomId,
      type: 'm.room.member',
      sender: CAROL,
      stateKey: CAROL,
      content: { membership: 'join' },
      prevEvents: fields['prev_events'] as string[],
      authEvents: fields['auth_events'] as string[],
      depth: fields['depth'] as number,
      originServerTs: c.clock.now(),
    },
    'c.test',
    c.core.signingKey,
  )
  const { eventId, pdu } = joining
  const answer = await c.client.sendJoin('a.test', { roomId, eventId, event: pdu, omitMembers: true })
  t.true(answer.membersOmitted)
  t.deepEqual(answer.serversInRoom?.toSorted(), ['a.test', 'b.test'])
  t.false(answer.state.some(({ type }) => type === 'm.room.member'))
  t.true(answer.state.some(({ type }) => type === 'm.room.name'))
  const inBoth = answer.authChain.filter(one =>
    answer.state.some(other => canonicalJson(one) === canonicalJson(other)),
  )
  t.deepEqual(inBoth, [])
})

test('of a room without a name, those who stand for it are told with a partial answer', async t => {
  const { a, world } = await pair(t)
  const fields = newRoom(a.rooms, ALICE, { preset: 'public_chat' })
  const roomId = await a.rooms.roomCreation.create(fields, { isDirect: false })
  for (let n = 0; n < 7; n++) await a.rooms.memberships.join({ userId: `@m${n}:a.test`, roomId })
  const c = await world.add('c.test')
  let told: Awaited<ReturnType<typeof c.client.sendJoin>> | undefined
  const { sendJoin } = c.client
  Object.assign(c.client, {
    sendJoin: async (...call: Parameters<typeof sendJoin>) => {
      told = await sendJoin(...call)
      return told
    },
  })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const members = (told?.state ?? []).filter(({ type }) => type === 'm.room.member')
  t.deepEqual(
    members.map(one => one['state_key']).toSorted(),
    [ALICE, '@m0:a.test', '@m1:a.test', '@m2:a.test', '@m3:a.test'].toSorted(),
    'the first five',
  )
})

test('a transaction sent again gets the same answer and does nothing', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const good = await say(a, ALICE, roomId, 'once')
  const bad = await forge(
    a,
    roomId,
    { sender: ALICE },
    signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(9)),
  )
  const first = await world.send(a, b, [good, bad], 'same')
  t.deepEqual([...first.keys()], [bad.eventId])
  const again = await world.send(a, b, [await say(a, ALICE, roomId, 'other')], 'same')
  t.deepEqual([...again.keys()], [bad.eventId])
  t.deepEqual(await messagesOf(b, roomId), ['once'])
  const twice = await world.send(a, b, [good, good])
  t.is(twice.size, 0)
  t.deepEqual(await messagesOf(b, roomId), ['once'])
})

test('a transaction holds at most 50 PDUs and 100 EDUs', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'many')
  const refused = { instanceOf: FederationError, message: /at most 50 PDUs/ }
  await t.throwsAsync(world.send(a, b, Array(51).fill(event)), refused)
  const edus = Array(101).fill('{"content":{},"edu_type":"m.typing"}')
  const body = transactionBody({ origin: 'a.test', originServerTs: 1, pdus: [], edus })
  await t.throwsAsync(a.client.sendTransaction('b.test', { txnId: 'x', body }), refused)
  t.deepEqual(await messagesOf(b, roomId), [])
})

test('one bad event never harms its neighbours', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const good = await say(a, ALICE, roomId, 'good')
  const tampered = { ...(await forge(a, roomId, { sender: ALICE })).pdu, depth: 77 }
  const otherServers = await forge(a, roomId, { sender: BOB })
  const notAllowed = await forge(a, roomId, { sender: '@eve:a.test' })
  const odd = { room_id: roomId, type: 7 }
  const refused = await world.send(a, b, [odd, good, tampered, otherServers, notAllowed, { nothing: true }])
  t.is(refused.size, 4)
  t.true([...refused.values()].some(reason => /is not a string/.test(reason)))
  t.regex(refused.get(otherServers.eventId) ?? '', /signature of b\.test/)
  t.regex(refused.get(notAllowed.eventId) ?? '', /not in the room/)
  const again = await world.send(a, b, [notAllowed], 'again')
  t.deepEqual(await world.send(a, b, [notAllowed], 'again'), again)
  t.is(again.size, 1)
  t.deepEqual(await messagesOf(b, roomId), ['good'])
  const stored = await b.core.context.read.events.byId(notAllowed.eventId)
  t.truthy(stored?.rejected)
})

test('an event whose content does not fit its hash counts as redacted', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'true')
  await world.send(a, b, [{ ...event.pdu, content: { body: 'false', msgtype: 'm.text' } }])
  const stored = await b.core.context.read.events.byId(event.eventId)
  t.deepEqual(stored?.event.content, {})
  t.is(stored?.rejected, undefined)
})

test('a banned server is refused per event, and may not ask', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const other = await sharedRoom(p)
  await setState(a, ALICE, roomId, { type: 'm.room.server_acl', content: { allow: ['*'], deny: ['b.test'] } })
  const banned = await say(b, BOB, roomId, 'still here?')
  const refused = await world.send(b, a, [banned, await say(b, BOB, other, 'fine')])
  t.regex(refused.get(banned.eventId) ?? '', /banned/)
  t.deepEqual(await messagesOf(a, roomId), [])
  t.deepEqual(await messagesOf(a, other), ['fine'])
  const ask = b.client.getMissingEvents('a.test', { roomId, earliest: [], latest: [], limit: 1, minDepth: 0 })
  await t.throwsAsync(ask, { instanceOf: FederationError, message: /banned/ })
})

test('who is let in is read of an access control list as it is now, also after its redaction', async t => {
  const p = await pair(t)
  const { a, b } = p
  const roomId = await sharedRoom(p)
  const mayAsk = () =>
    b.client.getMissingEvents('a.test', { roomId, earliest: [], latest: [], limit: 1, minDepth: 0 }).then(
      () => true,
      () => false,
    )
  await setState(a, ALICE, roomId, { type: 'm.room.server_acl', content: { allow: ['*'] } })
  const list = await stateAt(a, roomId, 'm.room.server_acl', '')
  t.true(await mayAsk())
  const redaction = { roomId, redacts: list?.eventId ?? '', txnId: 'r', reason: undefined }
  await t.throwsAsync(a.rooms.sending.redaction(requesterOf(ALICE), redaction), {
    message: /lock everybody out/,
  })
  const template = { type: 'm.room.redaction', sender: ALICE, content: {}, redacts: redaction.redacts }
  await a.core.sender.send(roomId, template, {})
  t.false(await mayAsk(), 'without its content it allows nobody')
})

test('a ban soft-fails what its user sends around it', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await a.rooms.memberships.ban({ sender: ALICE, userId: BOB, roomId })
  const evading = await say(b, BOB, roomId, 'you cannot ban me')
  await world.send(b, a, [evading])
  const stored = await a.core.context.read.events.byId(evading.eventId)
  t.true(stored?.softFailed)
  t.deepEqual(await messagesOf(a, roomId), [])
  const head = await a.core.writer.head(roomId)
  t.false(head?.extremities.some(extremity => extremity.eventId === evading.eventId))
})

test('what lies between is fetched', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await makeRoom(a)
  await say(a, ALICE, roomId, 'before the join, and no part of any gap')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const bodies = Array.from({ length: 120 }, (_, index) => `message ${index}`)
  let last: RoomEvent | undefined
  for (const body of bodies) last = await say(a, ALICE, roomId, body)
  await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Gaps' } })
  last = await say(a, ALICE, roomId, 'last')
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), [...bodies, 'last'])
  t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'Gaps')
})

/** What Bob's server did not hear of: messages, state, and new power levels, which authorise what follows. */
const unheard = async (a: WorldServer, roomId: string): Promise<RoomEvent> => {
  await say(a, ALICE, roomId, 'lost')
  await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Beyond' } })
  await setState(a, ALICE, roomId, {
    type: 'm.room.power_levels',
    content: { ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content, events_default: 1 },
  })
  return say(a, ALICE, roomId, 'last')
}

test('who is in the room as well is asked for what neither sender nor maker has', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const c = await world.add('c.test')
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(a, b, [(await stateAt(a, roomId, 'm.room.member', CAROL)) ?? {}])
  const hidden = await say(a, ALICE, roomId, 'hidden')
  await world.send(a, c, [hidden])
  const last = await say(c, CAROL, roomId, 'last')
  world.intercept = ({ to, path }) =>
    to === 'c.test' && /get_missing_events|state/.test(path)
      ? { status: 403, json: { errcode: 'M_FORBIDDEN' } }
      : undefined
  await world.send(c, b, [last])
  t.deepEqual(await messagesOf(b, roomId), ['hidden', 'last'])
  // Nobody has what that follows: a few are asked, and it ends.
  const before = world.requests.length
  const nowhere = await forge(a, roomId, { sender: ALICE, prevEvents: [`$${'n'.repeat(43)}`] })
  await world.send(a, b, [nowhere])
  t.true(world.requests.length - before < 20, `${world.requests.length - before} requests`)
})

test('where the gap cannot be bridged, its state is fetched', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  for (const blocked of [/get_missing_events/, /get_missing_events|\/v1\/event\//]) {
    const roomId = await sharedRoom(p)
    const last = await unheard(a, roomId)
    world.intercept = ({ path }) =>
      blocked.test(path) ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
    await world.send(a, b, [last])
    world.intercept = () => undefined
    t.deepEqual(await messagesOf(b, roomId), ['last'])
    t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'Beyond')
    t.is((await stateAt(b, roomId, 'm.room.power_levels'))?.content['events_default'], 1)
    const head = await b.core.writer.head(roomId)
    const missing = await b.core.context.read.rooms.missingEvents(head?.room.nid ?? 0)
    t.true(missing.some(({ missingEventId }) => last.prevEvents.includes(missingEventId)))
  }
})

test('a state with holes is no state: the event is put off, and tried again', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const last = await unheard(a, roomId)
  const blocked = /get_missing_events|\/v1\/(event|state)\//
  world.intercept = ({ path }) =>
    blocked.test(path) ? { status: 500, json: { errcode: 'M_UNKNOWN' } } : undefined
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), [])
  t.is(await b.core.context.read.events.byId(last.eventId), undefined, 'it is not held against the event')
  const staged = await new InboxReader(b.database).staged(undefined, 10)
  t.deepEqual(
    staged.map(one => one.eventId),
    [last.eventId],
  )
  world.intercept = () => undefined
  await b.clock.advance(10_000)
  await b.federation.idle()
  t.deepEqual(await messagesOf(b, roomId), ['lost', 'last'])
  t.deepEqual(await new InboxReader(b.database).staged(undefined, 10), [])
})

test('a state that lies is not believed', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const last = await unheard(a, roomId)
  const usurper = await forge(a, roomId, {
    sender: '@eve:a.test',
    type: 'm.room.power_levels',
    stateKey: '',
    content: { users: { '@eve:a.test': 100 } },
  })
  const unsigned = await forge(
    a,
    roomId,
    { sender: ALICE, type: 'm.room.name', stateKey: '', content: { name: 'No' } },
    signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(99)),
  )
  const forged = [usurper, unsigned]
  const { getStateIds, getEvent } = b.client
  Object.assign(b.client, {
    getMissingEvents: async () => [],
    getStateIds: async (...call: Parameters<typeof getStateIds>) => {
      const ids = await getStateIds(...call)
      return { ...ids, stateIds: [...ids.stateIds, ...forged.map(event => event.eventId)] }
    },
    getEvent: async (...[server, eventId, options]: Parameters<typeof getEvent>) =>
      forged.find(event => event.eventId === eventId)?.pdu ?? getEvent(server, eventId, options),
  })
  await world.send(a, b, [last])
  t.deepEqual(await messagesOf(b, roomId), ['last'])
  t.is((await stateAt(b, roomId, 'm.room.power_levels'))?.sender, ALICE)
  t.is(await stateAt(b, roomId, 'm.room.name'), undefined)
  t.truthy((await b.core.context.read.events.byId(usurper.eventId))?.rejected)
  t.is(await b.core.context.read.events.byId(unsigned.eventId), undefined)
})

test('EDUs go to who takes them; one that fails harms nothing', async t => {
  const p = await pair(t)
  const { a, b } = p
  const roomId = await sharedRoom(p)
  const taken: unknown[] = []
  b.federation.transactions.onEdu('m.test', async (origin, content) => void taken.push([origin, content]))
  b.federation.transactions.onEdu('m.broken', () => Promise.reject(new Error('broken')))
  const edus = ['m.broken', 'm.unknown', 'm.test'].map(type =>
    canonicalJson({ edu_type: type, content: { type } }),
  )
  const pdus = [canonicalJson((await say(a, ALICE, roomId, 'hi')).pdu)]
  const body = transactionBody({ origin: 'a.test', originServerTs: 1, pdus, edus })
  await a.client.sendTransaction('b.test', { txnId: 'edus', body })
  await b.federation.idle()
  t.deepEqual(taken, [['a.test', { type: 'm.test' }]])
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
})

test('a transaction with an EDU that could not be stored is not acknowledged, and comes again', async t => {
  const p = await pair(t)
  const { a, b } = p
  const roomId = await sharedRoom(p)
  const taken: unknown[] = []
  let isThere = false
  b.federation.transactions.onEdu('m.test', async (_, content) => {
    if (!isThere) throw new DatabaseUnavailable('gone')
    taken.push(content)
  })
  const edus = [canonicalJson({ edu_type: 'm.test', content: { n: 1 } })]
  const pdus = [canonicalJson((await say(a, ALICE, roomId, 'hi')).pdu)]
  const body = transactionBody({ origin: 'a.test', originServerTs: 1, pdus, edus })
  const send = () => a.client.sendTransaction('b.test', { txnId: 'edus', body })
  t.is((await t.throwsAsync<FederationError>(send))?.status, 500)
  isThere = true
  await send()
  await send()
  await b.federation.idle()
  t.deepEqual(taken, [{ n: 1 }])
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
})

test('an event is dropped where nobody tells what it builds on, and comes with a later one', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'one')
  const second = await say(a, ALICE, roomId, 'two')
  world.intercept = ({ from }) => (from === 'b.test' ? 'unreachable' : undefined)
  await world.send(a, b, [second])
  t.deepEqual(await messagesOf(b, roomId), [])
  world.intercept = () => undefined
  await world.send(a, b, [await say(a, ALICE, roomId, 'three')])
  t.deepEqual(await messagesOf(b, roomId), ['one', 'two', 'three'])
})

test('forks converge, whoever hears of them in which order', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await setState(a, ALICE, roomId, {
    type: 'm.room.power_levels',
    content: { ...(await stateAt(a, roomId, 'm.room.power_levels'))?.content, users: { [BOB]: 100 } },
  })
  const levels = await stateAt(a, roomId, 'm.room.power_levels')
  await world.send(a, b, levels === undefined ? [] : [levels])
  const topic = (server: WorldServer, userId: string, topic: string) =>
    setState(server, userId, roomId, { type: 'm.room.topic', content: { topic } })
  const ofA = [await topic(a, ALICE, 'A'), await say(a, ALICE, roomId, 'from a')]
  const ofB = [await topic(b, BOB, 'B'), await say(b, BOB, roomId, 'from b')]
  await world.send(a, b, ofA.toReversed())
  await world.send(b, a, ofB)
  await world.send(a, b, [await say(a, ALICE, roomId, 'together')])
  const states = await Promise.all([a, b].map(server => stateAt(server, roomId, 'm.room.topic')))
  t.truthy(states[0])
  t.is(states[0]?.eventId, states[1]?.eventId)
  t.deepEqual((await messagesOf(a, roomId)).toSorted(), ['from a', 'from b', 'together'])
  t.deepEqual((await messagesOf(b, roomId)).toSorted(), ['from a', 'from b', 'together'])
  const ends = await Promise.all([a, b].map(async one => (await one.core.writer.head(roomId))?.extremities))
  t.deepEqual(
    ends[0]?.map(one => one.eventId),
    ends[1]?.map(one => one.eventId),
  )
})

test('the state of another room never speaks for this one', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const other = await sharedRoom(p)
  const foreign = await say(a, ALICE, other, 'elsewhere')
  await world.send(a, b, [foreign])
  const event = await forge(b, roomId, { sender: BOB, prevEvents: [foreign.eventId] })
  await world.send(b, a, [event])
  t.is(
    await a.core.context.read.events.byId(event.eventId),
    undefined,
    'dropped: what it builds on is not there',
  )
  t.deepEqual(await messagesOf(a, roomId), [])
})

test('events of rooms that nobody here is in are dropped', async t => {
  const { a, b, world } = await pair(t)
  const roomId = await makeRoom(a)
  const event = await say(a, ALICE, roomId, 'hello?')
  t.is((await world.send(a, b, [event])).size, 0)
  t.is(await b.core.context.read.events.byId(event.eventId), undefined)
  t.is(await b.core.writer.head(roomId), undefined)
})

test('what was acknowledged is worked through after a restart', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'before the crash')
  const { roomId: room, eventId } = event
  const row = {
    roomId: room,
    eventId,
    origin: 'a.test',
    json: canonicalJson(event.pdu),
    receivedTs: 1,
    ordinal: 0,
  }
  await b.database.commit({ statements: new InboxWriter(b.database).stage([row]) })
  b.federation.start()
  await b.federation.idle()
  while ((await new InboxReader(b.database).staged(undefined, 1)).length > 0) await world.send(a, b, [])
  t.deepEqual(await messagesOf(b, roomId), ['before the crash'])
})

test('everybody hears of everything by itself, also of who joined through another server', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  for (const server of [a, b, c]) server.federation.start()
  const roomId = await sharedRoom(p)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['b.test'] })
  const until = async (reached: () => Promise<boolean>) => {
    while (!(await reached())) await new Promise(resolve => setImmediate(resolve))
  }
  await until(async () => (await a.core.writer.head(roomId))?.memberships.get(CAROL) === 'join')
  await say(c, CAROL, roomId, 'hello from c')
  for (const server of [a, b]) {
    await until(async () => (await messagesOf(server, roomId)).includes('hello from c'))
  }
  await say(a, ALICE, roomId, 'welcome')
  for (const server of [b, c]) await until(async () => (await messagesOf(server, roomId)).includes('welcome'))
  t.pass()
})

test('a slow room does not hold up another', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const slow = await sharedRoom(p)
  const quick = await sharedRoom(p)
  await say(a, ALICE, slow, 'unsent')
  const stuck = await say(a, ALICE, slow, 'stuck')
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { getMissingEvents } = b.client
  Object.assign(b.client, {
    getMissingEvents: async (...call: Parameters<typeof getMissingEvents>) => {
      await released
      return getMissingEvents(...call)
    },
  })
  const body = (events: RoomEvent[]) =>
    transactionBody({
      origin: 'a.test',
      originServerTs: 1,
      pdus: events.map(one => canonicalJson(one.pdu)),
      edus: [],
    })
  await a.client.sendTransaction('b.test', {
    txnId: 's',
    body: body([stuck, await say(a, ALICE, quick, 'quick')]),
  })
  while ((await messagesOf(b, quick)).length === 0) await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(await messagesOf(b, slow), [])
  release()
  await b.federation.idle()
  t.deepEqual(await messagesOf(b, slow), ['unsent', 'stuck'])
  t.deepEqual(await messagesOf(b, quick), ['quick'])
  void world
})

test('only servers in the room are given its events, and only what they may see', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await makeRoom(a, {
    preset: 'public_chat',
    initialState: [
      { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: 'joined' } },
    ],
  })
  const secret = await say(a, ALICE, roomId, 'before you came')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const open = await say(a, ALICE, roomId, 'after')
  const c = await world.add('c.test')
  await t.throwsAsync(c.client.getEvent('a.test', open.eventId), { message: /not in this room/ })
  await t.throwsAsync(c.client.getStateIds('a.test', { roomId, eventId: open.eventId }), {
    message: /not in/,
  })
  await t.throwsAsync(b.client.getEvent('a.test', '$nothing'), { message: /not known/ })
  t.is(((await b.client.getEvent('a.test', open.eventId))['content'] as JsonObject)['body'], 'after')
  t.deepEqual((await b.client.getEvent('a.test', secret.eventId))['content'], {})
  const back = await b.client.backfill('a.test', { roomId, from: [open.eventId], limit: 3 })
  t.deepEqual(
    back.map(one => (one['content'] as JsonObject)['body']),
    ['after', undefined, undefined],
  )
  const { state, authChain } = await b.client.getState('a.test', { roomId, eventId: open.eventId })
  const ids = await b.client.getStateIds('a.test', { roomId, eventId: open.eventId })
  t.is(ids.stateIds.length, state.length)
  t.is(ids.authChainIds.length, authChain.length)
  const chain = await b.client.getEventAuth('a.test', { roomId, eventId: open.eventId })
  t.true(chain.length >= 2)
})

test('aliases and versions are told', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a)
  await a.rooms.directory.add(ALICE, '#tea:a.test', roomId)
  t.deepEqual(await b.rooms.directory.resolve('#tea:a.test'), { roomId, servers: ['a.test'] })
  await t.throwsAsync(b.rooms.directory.resolve('#none:a.test'), { message: /no room|alias/ })
  const { body } = await a.http.request('GET', '/_matrix/federation/v1/version')
  t.deepEqual(body, { server: { name: 'Tessera', version: '0' }, 'chat.tessera': { enabled: true } })
})

test('requests are refused: unsigned, wrongly signed, for another server, from a server that is denied', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test', { config: { denyServers: ['*.evil.test'] } })
  const b = await world.add('b.test')
  const evil = await world.add('really.evil.test')
  const target = '/_matrix/federation/v1/query/directory?room_alias=%23x%3Aa.test'
  const ask = (authorization?: string) =>
    a.http.request('GET', target, authorization === undefined ? {} : { headers: { authorization } })
  t.is((await ask()).status, 401)
  const header = (origin: string, destination: string, signature = 'AAAA') =>
    `X-Matrix origin="${origin}",destination="${destination}",key="ed25519:1",sig="${signature}"`
  t.is((await ask(header('b.test', 'a.test'))).status, 401)
  t.is((await ask(header('b.test', 'elsewhere.test'))).status, 401)
  t.is((await ask(header('a.test', 'a.test'))).status, 401)
  t.is((await ask(header('nobody.test', 'a.test'))).status, 401)
  const refusal = await t.throwsAsync(evil.client.queryDirectory('a.test', '#x:a.test'), {
    instanceOf: FederationError,
  })
  t.is(refusal?.status, 403)
  const missing = await t.throwsAsync(b.client.queryDirectory('a.test', '#x:a.test'), {
    instanceOf: FederationError,
  })
  t.is(missing?.status, 404, 'rightly signed, but there is no such alias')
})

test('over real connections: a peer is found, its keys are fetched, and its signature holds', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const caFile = join(directory, 'ca.pem')
  writeFileSync(caFile, (await testAuthority()).pem)
  const peer = await startPeer(t)
  const database = await testDatabase(t)
  const { core } = await testRooms(database)
  const hosts = Object.fromEntries([peer.hostsEntry])
  const federation = createFederation({
    core,
    config: { ...FEDERATION_OPTIONS, hosts },
    ...{ caFile, database, clock: realClock, log: silentLog },
  })
  t.teardown(() => federation.close())
  const parts = { method: 'GET', uri: '/x', origin: peer.serverName, destination: 'here.test' }
  const signature = peer.signingKey.sign(Buffer.from(canonicalJson(parts)))
  const request = { ...parts, keyId: peer.signingKey.keyId, signature, content: undefined }
  await federation.verifyRequest(request)
  const wrong = { ...request, uri: '/y' }
  await t.throwsAsync(federation.verifyRequest(wrong), { message: /signature is wrong/ })
  await t.throwsAsync(federation.verifyRequest({ ...request, keyId: 'ed25519:other' }), {
    message: /cannot be had/,
  })
})

test('an event that is too deep, too large or no object is dropped alone', async t => {
  const database = await testDatabase(t)
  const p = await pair(t, database)
  const roomId = await sharedRoom(p)
  let deep: JsonObject = {}
  for (let level = 0; level < 400; level++) deep = { deep }
  const large = await forge(p.a, roomId, { sender: ALICE, content: { body: 'x'.repeat(70_000) } })
  const nested = await forge(p.a, roomId, { sender: ALICE, content: deep })
  const good = await say(p.a, ALICE, roomId, 'good')
  await p.world.send(p.a, p.b, [large, nested, good])
  t.true((await messagesOf(p.b, roomId)).includes('good'))
  t.is(await p.b.core.context.read.events.byId(large.eventId), undefined)
})

test('servers in a room find its events by time, as far as they may see them', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const hidden = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }
  const roomId = await makeRoom(a)
  await setState(a, ALICE, roomId, hidden)
  await a.clock.advance(1_000)
  const before = await say(a, ALICE, roomId, 'before you came')
  await a.clock.advance(1_000)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await a.clock.advance(1_000)
  const after = await say(a, ALICE, roomId, 'welcome')
  const nearest = (ts: number, dir: 'f' | 'b') => b.client.timestampToEvent('a.test', { roomId, ts, dir })
  const ts = after.originServerTs
  t.deepEqual(await nearest(ts - 1, 'f'), { eventId: after.eventId, originServerTs: ts })
  t.is((await nearest(ts + 9, 'b')).eventId, after.eventId)
  const unseen = [await nearest(before.originServerTs, 'f'), await nearest(before.originServerTs, 'b')]
  t.false(unseen.some(({ eventId }) => eventId === before.eventId))
  await t.throwsAsync(nearest(ts + 1, 'f'), { message: /No event is known/ })
  const stranger = await world.add('c.test')
  const asked = stranger.client.timestampToEvent('a.test', { roomId, ts, dir: 'f' })
  await t.throwsAsync(asked, { message: /not in this room/ })
})

testDatabases(test, 'who comes back finds what was said in the meantime', async (t, database) => {
  const p = await pair(t, database)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await world.send(a, b, [await say(a, ALICE, roomId, 'before')])
  const gaps = async () =>
    b.core.context.read.rooms.missingEvents((await b.core.writer.head(roomId))?.room.nid ?? 0)
  const gapsBefore = await gaps()
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  await world.send(b, a, [(await stateAt(b, roomId, 'm.room.member', BOB)) ?? {}])
  await say(a, ALICE, roomId, 'while')
  await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'changed' } })
  await say(a, ALICE, roomId, 'you were away')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  t.deepEqual(await messagesOf(b, roomId), ['before', 'while', 'you were away'])
  t.is((await stateAt(b, roomId, 'm.room.topic'))?.content['topic'], 'changed')
  t.deepEqual(await gaps(), gapsBefore, 'nothing more is missing than before')
  await world.send(a, b, [await say(a, ALICE, roomId, 'welcome back')])
  t.is((await messagesOf(b, roomId)).at(-1), 'welcome back')
})

test('of a long absence the newest part comes, and a server that tells nothing of it is joined through all the same', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const comeBack = async (missed: number): Promise<void> => {
    await b.rooms.memberships.leave({ userId: BOB, roomId })
    await world.send(b, a, [(await stateAt(b, roomId, 'm.room.member', BOB)) ?? {}])
    for (let n = 1; n <= missed; n++) await say(a, ALICE, roomId, `${missed}.${n}`)
    await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
    t.is((await b.core.writer.head(roomId))?.memberships.get(BOB), 'join')
  }
  await comeBack(120)
  t.deepEqual(
    await messagesOf(b, roomId),
    Array.from({ length: 100 }, (_, index) => `120.${index + 21}`),
  )
  world.intercept = ({ path }) =>
    path.includes('/backfill/') ? { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'no' } } : undefined
  await comeBack(2)
  t.is((await messagesOf(b, roomId)).length, 100)
  await world.send(a, b, [await say(a, ALICE, roomId, 'welcome back')])
  t.is((await messagesOf(b, roomId)).at(-1), 'welcome back')
})
