import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type SigningKey, signingKeyFromSeed, signJson } from '../../core/signing.ts'
import { authorizationHeader } from '../../network/request-signature.ts'
import {
  FederationWorld,
  setState,
  stateAt,
  type WorldServer,
  type WorldServerOptions,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const newKey = (): SigningKey => signingKeyFromSeed('ed25519:0', randomBytes(32))

/** Alice's room on `a` offers a place to an address; an identity server has found that it is Bob's, on `b`. */
const offered = async (t: ExecutionContext, validity: Pick<WorldServerOptions, 'isKeyValid'> = {}) => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test', validity)
  const b = await world.add('b.test')
  const identityServer = newKey()
  const fields = newRoom(a.rooms, ALICE, { preset: 'private_chat', name: 'Tea' })
  const roomId = await a.rooms.roomCreation.create(fields, { isDirect: false })
  const content = {
    display_name: 'b…@…',
    public_key: identityServer.publicKey,
    key_validity_url: 'https://id',
  }
  await setState(a, ALICE, roomId, { type: 'm.room.third_party_invite', stateKey: 'token', content })
  return { world, a, b, roomId, identityServer }
}

const invitation = (roomId: string, key: SigningKey, fields: JsonObject = {}, userId = BOB): JsonObject => ({
  type: 'm.room.member',
  room_id: roomId,
  sender: ALICE,
  state_key: userId,
  content: {
    membership: 'invite',
    third_party_invite: {
      display_name: 'b…@…',
      signed: signJson({ mxid: userId, token: 'token' }, 'id.test', key),
    },
    'org.example.slipped_in': true,
  },
  ...fields,
})

/** Asks one server in the name of another, which signs; answers status and error code. */
const exchange = async (from: WorldServer, to: WorldServer, roomId: string, body: JsonObject) => {
  const uri = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`
  const parts = { method: 'PUT', uri, origin: from.name, destination: to.name }
  const text = canonicalJson(body)
  const authorization = authorizationHeader(parts, from.core.signingKey, text)
  const headers = { authorization, 'content-type': 'application/json' }
  const { status, body: answer } = await to.http.request('PUT', uri, { body: text, headers })
  return `${status} ${(answer as { errcode?: string }).errcode ?? '-'}`
}

test('whoever owns the address is invited in the name of who has invited it', async t => {
  const { a, b, roomId, identityServer } = await offered(t)
  t.is(await exchange(b, a, roomId, invitation(roomId, identityServer)), '200 -')
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
  const member = await stateAt(a, roomId, 'm.room.member', BOB)
  t.is(member?.sender, ALICE)
  t.deepEqual(Object.keys(member?.content ?? {}).sort(), ['membership', 'third_party_invite'])
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  t.is((await a.core.writer.head(roomId))?.memberships.get(BOB), 'join')
})

test('what was signed is taken as a whole, and nothing beside it', async t => {
  const { a, b, roomId, identityServer: key } = await offered(t)
  const fields = { mxid: BOB, token: 'token', sender: ALICE, 'org.example.also_signed': 1 }
  const signed = signJson(fields, 'id.test', key)
  const content = {
    membership: 'invite',
    third_party_invite: { display_name: '', signed: { ...signed, unsigned: { slipped_in: true } } },
  }
  t.is(await exchange(b, a, roomId, invitation(roomId, key, { content })), '200 -')
  const member = await stateAt(a, roomId, 'm.room.member', BOB)
  t.deepEqual(member?.content['third_party_invite'], { display_name: 'b…@…', signed })
})

test('a user who binds an address gets the invitations that waited for it', async t => {
  const { a, b, roomId, identityServer: key } = await offered(t)
  const onBind = async (to: WorldServer, mxid: string, fields: JsonObject = {}) => {
    const signed = signJson({ mxid, token: 'token' }, 'id.test', key)
    const invite = { medium: 'email', address: 'b@x.test', mxid, room_id: roomId, sender: ALICE, signed }
    const body = { medium: 'email', address: 'b@x.test', mxid, invites: [{ ...invite, ...fields }] }
    const uri = '/_matrix/federation/v1/3pid/onbind'
    return (await to.http.request('PUT', uri, { body: canonicalJson(body) })).status
  }
  t.is(await onBind(b, BOB, { sender: '@nobody:a.test' }), 200)
  t.is(await stateAt(a, roomId, 'm.room.member', BOB), undefined, 'not in the name of somebody else')
  t.is(await onBind(b, BOB), 200)
  const member = await stateAt(a, roomId, 'm.room.member', BOB)
  t.is(member?.sender, ALICE)
  t.like(member?.content, { third_party_invite: { display_name: 'b…@…' } })
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
  t.is(await onBind(a, '@bill:a.test'), 200)
  t.is((await stateAt(a, roomId, 'm.room.member', '@bill:a.test'))?.content['membership'], 'invite')
  t.is(await onBind(a, BOB), 404)
})

test('nobody else is, whoever asks', async t => {
  const { world, a, b, roomId, identityServer: key } = await offered(t)
  const c = await world.add('c.test')
  const ask = (body: JsonObject, from = b) => exchange(from, a, roomId, body)
  t.is(await ask(invitation(roomId, newKey())), '403 M_FORBIDDEN', 'signed by somebody else')
  t.is(await ask(invitation(roomId, key), c), '403 M_FORBIDDEN', 'another server’s user')
  t.is(await ask(invitation(roomId, key, { sender: '@carol:c.test' })), '403 M_FORBIDDEN')
  t.is(await ask(invitation(roomId, key, { sender: '@dave:a.test' })), '403 M_FORBIDDEN')
  t.is(await ask(invitation(roomId, key, { room_id: '!other' })), '400 M_INVALID_PARAM')
  t.is(await ask(invitation(roomId, key, { type: 'm.room.topic' })), '400 M_INVALID_PARAM')
  t.is(await ask(invitation(roomId, key, { content: { membership: 'invite' } })), '400 M_MISSING_PARAM')
  t.is(await exchange(b, a, '!none', invitation('!none', key)), '404 M_NOT_FOUND')
  const acl = { type: 'm.room.server_acl', content: { allow: ['*'], deny: ['b.test'] } }
  await setState(a, ALICE, roomId, acl)
  t.is(await ask(invitation(roomId, key)), '403 M_FORBIDDEN', 'a banned server')
  t.is(await stateAt(a, roomId, 'm.room.member', BOB), undefined)
})

test('who shows as they join what was signed for them is invited first, here and elsewhere', async t => {
  const { a, b, roomId, identityServer: key } = await offered(t)
  const show = (on: WorldServer, userId: string, by: SigningKey, sender = ALICE) => {
    const fields = { mxid: userId, token: 'token', sender }
    const { signatures } = signJson(fields, 'id.test', by)
    const binding = { ...fields, signatures: signatures as JsonObject }
    return on.federation.thirdPartyInvites.shown(userId, roomId, binding, on.rooms.memberships)
  }
  t.is((await t.throwsAsync<MatrixError>(show(b, BOB, newKey())))?.errcode, 'M_FORBIDDEN')
  const away = await t.throwsAsync<MatrixError>(show(b, BOB, key, '@alice:away.test'))
  t.is(away?.errcode, 'M_CONNECTION_FAILED')
  await t.throwsAsync(show(a, '@bill:a.test', newKey()), { message: /No key/ })
  await show(b, BOB, key)
  t.is((await b.core.context.read.invitations.one(BOB, roomId))?.status, 'invited')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: [] })
  await show(b, BOB, newKey())
  await show(a, '@bill:a.test', key)
  t.is((await stateAt(a, roomId, 'm.room.member', '@bill:a.test'))?.content['membership'], 'invite')
  const others = { mxid: BOB, token: 'token', signatures: {}, sender: ALICE }
  const shown = a.federation.thirdPartyInvites.shown('@bill:a.test', roomId, others, a.rooms.memberships)
  await t.throwsAsync(shown, { message: /somebody else/ })
  const unsignable = { mxid: BOB, token: 'token', signatures: {}, sender: ALICE, half: '\ud800' }
  const wrong = b.federation.thirdPartyInvites.shown(BOB, '!other:a.test', unsignable, b.rooms.memberships)
  t.is((await t.throwsAsync<MatrixError>(wrong))?.errcode, 'M_BAD_JSON')
})

test('the key has to count still, where that can be asked', async t => {
  const asked: string[] = []
  let isValid = false
  const isKeyValid = async (url: string, key: string) => asked.push(`${url} ${key}`) > 0 && isValid
  const { a, b, roomId, identityServer: key } = await offered(t, { isKeyValid })
  t.is(await exchange(b, a, roomId, invitation(roomId, newKey())), '403 M_FORBIDDEN')
  const others = invitation(roomId, key, { state_key: BOB }, '@eve:b.test')
  t.is(await exchange(b, a, roomId, others), '403 M_FORBIDDEN', 'signed for somebody else')
  t.deepEqual(asked, [], 'of what nobody has signed nobody is asked')
  t.is(await exchange(b, a, roomId, invitation(roomId, key)), '403 M_FORBIDDEN')
  t.is(await stateAt(a, roomId, 'm.room.member', BOB), undefined)
  isValid = true
  t.is(await exchange(b, a, roomId, invitation(roomId, key)), '200 -')
  t.deepEqual(asked, Array(2).fill(`https://id ${key.publicKey}`))
})
