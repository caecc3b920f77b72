import test, { type ExecutionContext } from 'ava'
import { RelayedError } from '../../core/errors.ts'
import { signedText } from '../../core/hashes.ts'
import type { JsonObject } from '../../core/json.ts'
import { POLICY_KEY_ID } from '../../core/policy-server.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { signatureKeyIds, signingKeyFromSeed } from '../../core/signing.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabase } from '../../test-kit/database.ts'
import {
  FederationWorld,
  messagesOf,
  say,
  setState,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const policyKey = signingKeyFromSeed('ed25519:p', new Uint8Array(32).fill(77))
const otherKey = signingKeyFromSeed('ed25519:p', new Uint8Array(32).fill(78))

type Answer =
  | { readonly status: number; readonly json: JsonObject }
  | 'unreachable'
  | 'signs'
  | 'signs wrongly'

/** Alice's room on a.test, with people of b.test and of the policy server p.test in it, which is then named. */
const policedRoom = async (t: ExecutionContext, database?: Database) => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test', database === undefined ? {} : { database })
  const [b, p] = [await world.add('b.test'), await world.add('p.test')]
  const asked: JsonObject[] = []
  const policy: { answer: Answer } = { answer: 'signs' }
  world.intercept = ({ from, to, path, body = '' }) => {
    // What servers tell each other by themselves is not this test's: it says what is sent.
    if (path.startsWith('/_matrix/federation/v1/send/') && from !== to && !sending) return 'unreachable'
    if (path !== '/_matrix/policy/v1/sign') return undefined
    const event = JSON.parse(body) as JsonObject
    asked.push(event)
    if (policy.answer !== 'signs' && policy.answer !== 'signs wrongly') return policy.answer
    const version = roomVersion('12')
    const key = policy.answer === 'signs' ? policyKey : otherKey
    const signature = version && key.sign(Buffer.from(signedText(event, version)))
    return { status: 200, json: { [to]: { [POLICY_KEY_ID]: signature ?? '' } } }
  }
  let sending = false
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  for (const [server, userId] of [
    [b, '@bob:b.test'],
    [p, '@bot:p.test'],
  ] as const) {
    await server.rooms.memberships.join({ userId, roomId, via: ['a.test'] })
  }
  const name = (content: JsonObject) => setState(a, ALICE, roomId, { type: 'm.room.policy', content })
  /** Sends what is new on one server to another. */
  const send = async (from: WorldServer, to: WorldServer, events: Parameters<FederationWorld['send']>[2]) => {
    sending = true
    const refused = await world.send(from, to, events)
    sending = false
    return refused
  }
  return { world, a, b, p, roomId, asked, policy, name, send }
}

const POLICY = { via: 'p.test', public_keys: { ed25519: policyKey.publicKey } }

test('a process that has not seen the policy yet sends nothing unsigned', async t => {
  const database = await testDatabase(t)
  const { a, roomId, name, asked } = await policedRoom(t, database)
  const { core } = await testRooms(database, { serverName: 'a.test', seed: 9 })
  core.writer.askPolicyServer = a.core.writer.askPolicyServer
  const message = { type: 'm.room.message', sender: ALICE, content: { body: 'hello' } }
  await core.sender.send(roomId, message)
  await name(POLICY)
  const { event } = await core.sender.send(roomId, message)
  t.deepEqual(event && signatureKeyIds(event.pdu, 'p.test'), [POLICY_KEY_ID])
  await say(a, ALICE, roomId, 'hello')
  const sent = await core.sender.sendAll(roomId, [message, message])
  t.deepEqual([sent.length, asked.length], [2, 4])
})

test('events of ours are signed by the policy server, whose refusal is the client’s answer', async t => {
  const { a, roomId, asked, policy, name } = await policedRoom(t)
  await name(POLICY)
  t.is(asked.length, 0, 'the policy itself is set without asking')
  const event = await say(a, ALICE, roomId, 'hello')
  t.deepEqual(signatureKeyIds(event.pdu, 'p.test'), [POLICY_KEY_ID])
  t.deepEqual(signatureKeyIds(event.pdu, 'a.test'), ['ed25519:1'])
  t.is(asked.length, 1)
  t.is(asked[0]?.['unsigned'], undefined)

  policy.answer = { status: 400, json: { errcode: 'M_FORBIDDEN', error: 'spam', 'org.why': 'I say so' } }
  const refused = await t.throwsAsync<RelayedError>(say(a, ALICE, roomId, 'spam'), {
    instanceOf: RelayedError,
  })
  t.is(refused?.status, 400)
  t.deepEqual(refused?.body, { errcode: 'M_FORBIDDEN', error: 'spam', 'org.why': 'I say so' })
  await t.throwsAsync(setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'spam' } }))
  await t.throwsAsync(setState(a, ALICE, roomId, { type: 'm.room.policy', stateKey: 'x', content: {} }))
  policy.answer = { status: 401, json: { errcode: 'M_UNKNOWN_TOKEN', error: 'out', soft_logout: false } }
  const { status, body } = (await t.throwsAsync<RelayedError>(say(a, ALICE, roomId, 'spam'))) ?? {}
  t.like({ status, errcode: body?.['errcode'] }, { status: 400, errcode: 'M_UNKNOWN' }, 'logs nobody out')
  policy.answer = 'signs wrongly'
  await t.throwsAsync(say(a, ALICE, roomId, 'unsigned'))
  t.deepEqual(await messagesOf(a, roomId), ['hello'])

  policy.answer = 'signs'
  await t.throwsAsync(say(a, ALICE, roomId, 'x'.repeat(64_900)), { message: /longer than/ })

  await name({})
  await say(a, ALICE, roomId, 'nobody is asked')
  t.is(asked.length, 7)
})

test('a policy counts only if it is complete, and its server is in the room', async t => {
  const { a, p, roomId, asked, name, send } = await policedRoom(t)
  await name({ via: 'p.test' })
  await name({ via: 'p.test', public_keys: { ed25519: 7 } })
  await name({ ...POLICY, via: 'elsewhere.test' })
  await say(a, ALICE, roomId, 'free')
  t.is(asked.length, 0)
  const named = await name(POLICY)
  await send(a, p, [named])
  await p.rooms.memberships.leave({ userId: '@bot:p.test', roomId })
  const leave = await p.core.context.read.events.byId(
    (await p.core.writer.head(roomId))?.entry('m.room.member', '@bot:p.test')?.eventId ?? '',
  )
  await send(p, a, leave === undefined ? [] : [leave.event])
  const before = asked.length
  await say(a, ALICE, roomId, 'free again')
  t.is(asked.length, before)
})

test('what comes without the policy server’s signature is asked about, and soft-failed if it is refused', async t => {
  const { a, b, roomId, asked, policy, name, send } = await policedRoom(t)
  // b.test does not know yet that it should ask.
  const first = await say(b, '@bob:b.test', roomId, 'one')
  const second = await say(b, '@bob:b.test', roomId, 'two')
  const third = await say(b, '@bob:b.test', roomId, 'three')
  const named = await name(POLICY)
  await send(b, a, [first])
  t.is(asked.length, 1)
  policy.answer = { status: 400, json: { errcode: 'M_FORBIDDEN', error: 'spam' } }
  await send(b, a, [second])
  t.deepEqual(await messagesOf(a, roomId), ['one'])
  t.true((await a.core.context.read.events.byId(second.eventId))?.softFailed)
  policy.answer = 'unreachable'
  await send(b, a, [third])
  t.deepEqual(await messagesOf(a, roomId), ['one'], 'what nobody recommends is not shown')
  t.is(asked.length, 3)
  await t.throwsAsync(say(a, ALICE, roomId, 'into the void'), { message: /cannot be reached/ })
  t.is(asked.length, 3, 'whoever is silent is not asked by every message')
  await a.clock.advance(31_000)

  policy.answer = 'signs'
  await send(a, b, [named])
  const signed = await say(b, '@bob:b.test', roomId, 'four')
  const before = asked.length
  await send(b, a, [signed])
  t.is(asked.length, before, 'who has the signature already')
  t.deepEqual(await messagesOf(a, roomId), ['one', 'four'])
})

test('a policy server that sends events itself has both signatures, and joins are signed through the resident', async t => {
  const { world, a, p, roomId, asked, name, send } = await policedRoom(t)
  const named = await name(POLICY)
  const own = await say(p, '@bot:p.test', roomId, 'I am the law')
  await send(p, a, [own])
  const stored = await a.core.context.read.events.byId(own.eventId)
  t.deepEqual(signatureKeyIds(stored?.event.pdu ?? {}, 'p.test').toSorted(), ['ed25519:1', POLICY_KEY_ID])
  t.deepEqual(await messagesOf(a, roomId), ['I am the law'])

  const c = await world.add('c.test')
  const before = asked.length
  await c.rooms.memberships.join({ userId: '@carol:c.test', roomId, via: ['a.test'] })
  t.is(asked.length, before + 1)
  const entry = (await c.core.writer.head(roomId))?.entry('m.room.member', '@carol:c.test')
  const join = await c.core.context.read.events.byId(entry?.eventId ?? '')
  t.deepEqual(signatureKeyIds(join?.event.pdu ?? {}, 'p.test'), [POLICY_KEY_ID])
  await send(a, p, [named])
  t.is(asked.length, before + 1)
})

test('nobody is held in a room by its policy server, whether that is away or refuses', async t => {
  const { a, roomId, asked, policy, name } = await policedRoom(t)
  await a.rooms.memberships.join({ userId: '@anna:a.test', roomId })
  await a.rooms.memberships.invite({ sender: ALICE, userId: '@amy:a.test', roomId })
  await name(POLICY)
  policy.answer = 'unreachable'
  await a.rooms.memberships.leave({ userId: '@amy:a.test', roomId })
  t.is((await a.core.context.read.invitations.one('@amy:a.test', roomId))?.status, 'declined')
  await a.rooms.memberships.leave({ userId: ALICE, roomId })
  t.deepEqual(await a.rooms.roomReading.joinedRooms(ALICE), [])
  t.is(asked.length, 1, 'it is asked all the same')
  await t.throwsAsync(say(a, '@anna:a.test', roomId, 'into the void'), { message: /cannot be reached/ })
  await a.clock.advance(31_000)
  policy.answer = { status: 400, json: { errcode: 'M_FORBIDDEN', error: 'spam' } }
  const kick = { sender: '@anna:a.test', userId: '@bob:b.test', roomId }
  await t.throwsAsync(a.rooms.memberships.kick(kick))
  await a.rooms.memberships.leave({ userId: '@anna:a.test', roomId })
  t.deepEqual(await a.rooms.roomReading.joinedRooms('@anna:a.test'), [])
})
