import test from 'ava'
import { contentHash } from '../../../core/hashes.ts'
import type { JsonObject } from '../../../core/json.ts'
import { signatureKeyIds } from '../../../core/signing.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { stateEvent } from '../../../test-kit/outbound.ts'
import { ALICE, BOB, makeRoom, refusal, THERE, world } from '../../../test-kit/remote-room.ts'
import { newRoom } from '../../../test-kit/rooms.ts'

testDatabases(test, 'invitations go through the invited user’s server', async (t, database) => {
  const w = await world(t, database)
  const { roomCreation, memberships } = w.here.rooms
  const roomId = await roomCreation.create(newRoom(w.here.rooms, BOB, { name: 'Tea' }), { isDirect: false })
  let shown: readonly JsonObject[] = []
  const { invite } = w.client
  Object.assign(w.client, {
    invite: (...call: Parameters<typeof invite>) => {
      shown = call[1].inviteRoomState
      return invite(...call)
    },
  })
  await memberships.invite({ sender: BOB, userId: ALICE, roomId })
  t.is((await w.here.core.writer.head(roomId))?.memberships.get(ALICE), 'invite')
  const member = await stateEvent(w.here, roomId, 'm.room.member', ALICE)
  t.is(signatureKeyIds(member?.pdu ?? {}, THERE).length, 1, 'the other server has signed')
  t.is(signatureKeyIds(member?.pdu ?? {}, 'here.test').length, 1)
  const create = shown.find(event => event['type'] === 'm.room.create') ?? {}
  t.deepEqual(create['hashes'], { sha256: contentHash(create) }, 'whole events, not extracts')

  await memberships.kick({ sender: BOB, userId: ALICE, roomId })
  Object.assign(w.client, { invite: async () => member?.pdu })
  await t.throwsAsync(memberships.invite({ sender: BOB, userId: ALICE, roomId }), { message: /did not sign/ })
  Object.assign(w.client, { invite: () => Promise.reject(refusal(403, 'M_INVITE_BLOCKED', 'busy')) })
  const blocked = await t.throwsAsync(memberships.invite({ sender: BOB, userId: ALICE, roomId }))
  t.like(blocked, { errcode: 'M_INVITE_BLOCKED', message: 'busy' })
  t.is((await w.here.core.writer.head(roomId))?.memberships.get(ALICE), 'leave')
  const old = () => Promise.reject(refusal(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'too new'))
  Object.assign(w.client, { invite: old })
  const unsupported = { errcode: 'M_UNSUPPORTED_ROOM_VERSION', status: 400, message: 'too new' }
  t.like(await t.throwsAsync(memberships.invite({ sender: BOB, userId: ALICE, roomId })), unsupported)
})

testDatabases(test, 'a room whose people refuse it is not created', async (t, database) => {
  const w = await world(t, database)
  const { roomCreation, roomReading, directory } = w.here.rooms
  const cat = '@cat:here.test'
  const create = () => {
    const fields = { alias: '#tea:here.test', invite: [cat, ALICE], preset: 'trusted_private_chat' } as const
    return roomCreation.create(newRoom(w.here.rooms, BOB, fields), { isDirect: true })
  }
  for (const code of ['M_INVITE_BLOCKED', 'M_INCOMPATIBLE_ROOM_VERSION'] as const) {
    Object.assign(w.client, { invite: () => Promise.reject(refusal(403, code)) })
    const errcode = code === 'M_INVITE_BLOCKED' ? code : 'M_UNSUPPORTED_ROOM_VERSION'
    t.like(await t.throwsAsync(create()), { errcode })
    t.deepEqual(await roomReading.joinedRooms(BOB), [])
    t.is((await w.here.core.context.read.invitations.pending(cat, 1e9, 1)).length, 0)
    t.like(await t.throwsAsync(directory.resolve('#tea:here.test')), { errcode: 'M_NOT_FOUND' })
  }
  // Who merely cannot be reached can be invited again.
  Object.assign(w.client, { invite: () => Promise.reject(new FederationError('unreachable', THERE, 'down')) })
  const roomId = await create()
  t.deepEqual(await roomReading.joinedRooms(BOB), [roomId])
})

testDatabases(test, 'a knock is kept, and taken back', async (t, database) => {
  const w = await world(t, database)
  const roomId = await makeRoom(w, { name: 'Club' })
  const rules = { type: 'm.room.join_rules', sender: ALICE, stateKey: '', content: { join_rule: 'knock' } }
  await w.there.core.sender.send(roomId, rules)
  await w.here.rooms.memberships.knock({ userId: BOB, roomId, via: [THERE], reason: 'tea?' })
  const kept = await w.here.core.context.read.invitations.one(BOB, roomId)
  t.like(kept, { kind: 'knock', status: 'invited', sender: BOB, roomVersion: '12' })
  t.true(kept?.strippedState.some(event => event['type'] === 'm.room.name'))
  t.is((await w.there.core.writer.head(roomId))?.memberships.get(BOB), 'knock')
  t.is((await stateEvent(w.there, roomId, 'm.room.member', BOB))?.content['reason'], 'tea?')

  await w.here.rooms.memberships.leave({ userId: BOB, roomId })
  t.is((await w.there.core.writer.head(roomId))?.memberships.get(BOB), 'leave')
  t.is((await w.here.core.context.read.invitations.one(BOB, roomId))?.status, 'declined')
})

test('aliases and profiles of other servers', async t => {
  const w = await world(t)
  Object.assign(w.client, {
    queryDirectory: async () => ({ roomId: '!room:there.test', servers: ['third.test'] }),
    queryProfile: async () => ({ displayname: 'Alice' }),
  })
  t.deepEqual(await w.here.rooms.directory.resolve('#tea:there.test'), {
    roomId: '!room:there.test',
    servers: [THERE, 'third.test'],
  })
  t.deepEqual(await w.here.outbound.queryProfile(ALICE, 'displayname'), { displayname: 'Alice' })
  Object.assign(w.client, {
    queryDirectory: () => Promise.reject(refusal(404, 'M_NOT_FOUND')),
    queryProfile: () => Promise.reject(new FederationError('unreachable', THERE, 'down')),
  })
  const alias = await t.throwsAsync(w.here.rooms.directory.resolve('#tea:there.test'))
  t.like(alias, { errcode: 'M_NOT_FOUND', status: 404 })
  t.like(await t.throwsAsync(w.here.outbound.queryProfile(ALICE)), { status: 502 })
})
