import test from 'ava'
import { buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { FederationError } from '../../network/federation-client.ts'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import { FederationWorld, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'

test('an invitation is declined over federation, and another withdrawn', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), 'leave')
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'declined')

  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
  await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
  const kick = await stateAt(a, roomId, 'm.room.member', BOB)
  if (kick === undefined) return t.fail()
  const answer = await a.client.request({
    ...{ destination: 'b.test', method: 'PUT', path: '/_matrix/federation/v1/send/withdrawn' },
    body: { origin: 'a.test', origin_server_ts: 1, pdus: [kick.pdu] },
    parse: body => body,
  })
  t.deepEqual(answer, { pdus: { [kick.eventId]: {} } })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'cancelled')
})

test('nobody is invited to a room that is closed to their server, nor told of it', async t => {
  const { world, a, b } = await pair(t)
  const closed = { creationContent: { 'm.federate': false } }
  const roomId = await makeRoom(a, closed)
  const before = world.requests.length
  const refused = { message: /closed to users of other servers/ }
  await t.throwsAsync(a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId }), refused)
  await t.throwsAsync(makeRoom(a, { ...closed, invite: [BOB] }), refused)
  t.is(world.requests.length, before)
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), undefined)
  t.is(await b.core.context.read.invitations.one(BOB, roomId), undefined)
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

test('an invitation brings no more along than a client can be told of hundreds', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a, { preset: 'private_chat' })
  const long = 'x'.repeat(30_000)
  for (const [type, content] of [
    ['m.room.name', { name: long }],
    ['m.room.avatar', { url: `mxc://a.test/${long}` }],
    ['m.room.topic', { topic: long }],
    ['m.room.join_rules', { join_rule: 'invite', long }],
  ] as const) {
    await setState(a, ALICE, roomId, { type, content })
  }
  for (const [server, userId] of [
    [a, '@anne:a.test'],
    [b, BOB],
  ] as const) {
    await a.rooms.memberships.invite({ sender: ALICE, userId, roomId })
    const told = (await server.core.context.read.invitations.one(userId, roomId))?.strippedState ?? []
    const types = told.map(({ type }) => type)
    t.true(types.includes('m.room.create') && types.includes('m.room.name'))
    t.true(JSON.stringify(told).length < 70_000, `${JSON.stringify(told).length}`)
  }
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
  const { pdu: whole, ...rest } = await member(BOB)
  const { signatures: _, ...pdu } = whole
  await refused('M_INVALID_PARAM', Promise.resolve({ ...rest, pdu }))
  const bare = await t.throwsAsync(invite(await member(BOB), '12', undefined, []), {
    instanceOf: FederationError,
  })
  t.is(bare?.errcode, 'M_INVALID_PARAM')
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
