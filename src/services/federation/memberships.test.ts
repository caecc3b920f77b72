import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { FederationError } from '../../network/federation-client.ts'
import { InboxReader } from '../../storage/federation/inbox.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, CAROL, makeRoom, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'

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

test('a server that is shut out of a room leaves it to others to let people in', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a)
  const ask = () => b.client.makeJoin('a.test', { roomId, userId: BOB, versions: ['12'] })
  t.is((await ask()).roomVersion, '12')
  await setState(a, ALICE, roomId, {
    type: 'm.room.server_acl',
    content: { allow: ['*'], deny: ['a.test'] },
  })
  const error = await t.throwsAsync(ask, { instanceOf: FederationError })
  t.is(error?.errcode, 'M_UNABLE_TO_GRANT_JOIN')
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

test('a condition that cannot be checked is for others to check, but a ban is a ban', async t => {
  const { a, world } = await pair(t)
  const allow = [{ type: 'm.room_membership', room_id: '!elsewhere:x.test' }]
  const restricted = await makeRoom(a, {
    preset: 'private_chat',
    initialState: [{ type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'restricted', allow } }],
  })
  const c = await world.add('c.test')
  const refusal = async () => {
    const asked = c.client.makeJoin('a.test', { roomId: restricted, userId: CAROL, versions: ['12'] })
    const error = await t.throwsAsync(asked, { instanceOf: FederationError })
    return [error?.status, error?.errcode]
  }
  t.deepEqual(await refusal(), [400, 'M_UNABLE_TO_AUTHORISE_JOIN'])
  await a.rooms.memberships.ban({ sender: ALICE, userId: CAROL, roomId: restricted })
  t.deepEqual(await refusal(), [403, 'M_FORBIDDEN'])
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

testDatabases(test, 'an invitation that comes before the answer to a knock is not lost', async (t, db) => {
  const { a, b, world } = await pair(t, db)
  const roomId = await makeRoom(a, {
    preset: 'private_chat',
    initialState: [{ type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'knock' } }],
  })
  world.transport = async ({ path }, deliver) => {
    const answer = await deliver()
    if (path.includes('/send_knock/'))
      await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
    return answer
  }
  await b.rooms.memberships.knock({ userId: BOB, roomId, via: ['a.test'] })
  const { read } = b.core.context
  t.like(await read.invitations.one(BOB, roomId), { kind: 'invite', status: 'invited' })
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  await b.rooms.memberships.knock({ userId: BOB, roomId, via: ['a.test'] })
  t.like(await read.invitations.one(BOB, roomId), { kind: 'invite' }, 'nor if there was one before')
})
