import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { signingKeyFromSeed } from '../../../core/signing.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import { startNetwork, startPeer } from '../../../test-kit/federation.ts'
import type { ScriptedPeer } from '../../../test-kit/https-server.ts'
import { federatedServer, type KeyTable } from '../../../test-kit/outbound.ts'
import { Resident } from '../../../test-kit/resident.ts'
import { newRoom, requesterOf, testRooms } from '../../../test-kit/rooms.ts'

/** The key of `here.test`, as `testRooms` makes it. */
const OUR_KEY = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(1))
const BOB = '@bob:here.test'

/** This server over a real network to peers that check its signatures. */
const serverAmong = async (t: ExecutionContext, peers: readonly ScriptedPeer[], keys: KeyTable) => {
  for (const peer of peers) peer.knows('here.test', OUR_KEY)
  const network = await startNetwork(t, { signingKey: OUR_KEY, hosts: peers.map(peer => peer.hostsEntry) })
  const here = await federatedServer(await testDatabase(t), { federation: network.federation, keys })
  t.teardown(() => here.outbound.close())
  return here
}

/** A room on a peer, which answers for it as a resident server does. */
const residentBehind = async (t: ExecutionContext, peer: ScriptedPeer, keys: KeyTable) => {
  const there = await testRooms(await testDatabase(t), { serverName: peer.serverName, seed: 2 })
  keys.set(peer.serverName, there.core.signingKey.publicKey)
  const alice = `@alice:${peer.serverName}`
  const roomId = await there.rooms.roomCreation.create(
    newRoom(there.rooms, alice, { preset: 'public_chat', name: 'Tea' }),
    { isDirect: false },
  )
  const resident = new Resident(there.core)
  peer.always('GET', `/_matrix/federation/v1/make_join/${roomId}/${BOB}`, async ({ query }) => {
    t.true(query.getAll('ver').includes('12'))
    const { roomVersion, event } = await resident.make('join', { roomId, userId: BOB })
    return { json: { room_version: roomVersion, event } }
  })
  peer.always('PUT', /\/_matrix\/federation\/v2\/send_join\/.*/, async ({ body, path }) => {
    const eventId = path.split('/').at(-1) ?? ''
    const answer = await resident.send({ roomId, eventId, event: body as JsonObject })
    return { json: { event: answer.event, state: answer.state, auth_chain: answer.authChain } }
  })
  return { there, alice, roomId, resident }
}

test('a join over the wire goes past servers that refuse, break, or prepare something else', async t => {
  const keys: KeyTable = new Map()
  const [refusing, broken, cunning, good] = [
    await startPeer(t),
    await startPeer(t),
    await startPeer(t),
    await startPeer(t),
  ] as const
  const here = await serverAmong(t, [refusing, broken, cunning, good], keys)
  const { roomId } = await residentBehind(t, good, keys)
  const path = `/_matrix/federation/v1/make_join/${roomId}/${BOB}`
  refusing.expect('GET', path, { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'not you' } })
  broken.expect('GET', path, { status: 502, text: '<html>bad gateway</html>' })
  cunning.expect('GET', path, {
    json: {
      room_version: '12',
      event: {
        type: 'm.room.member',
        room_id: '!another:room.test',
        sender: BOB,
        state_key: BOB,
        content: { membership: 'join' },
      },
    },
  })
  const via = [refusing, broken, cunning, good].map(peer => peer.serverName)
  await here.rooms.memberships.join({ userId: BOB, roomId, via })
  t.is((await here.core.writer.head(roomId))?.memberships.get(BOB), 'join')
  const [, sent] = good.requests
  const join = sent?.body as JsonObject
  t.like(join, { type: 'm.room.member', room_id: roomId, sender: BOB, state_key: BOB, origin: 'here.test' })
  for (const peer of [refusing, broken, cunning, good]) t.deepEqual(peer.problems(), [])
})

test('transactions over the wire are signed, complete, and repeated until taken', async t => {
  const keys: KeyTable = new Map()
  const peer = await startPeer(t)
  const here = await serverAmong(t, [peer], keys)
  const { roomId } = await residentBehind(t, peer, keys)
  await here.rooms.memberships.join({ userId: BOB, roomId, via: [peer.serverName] })
  let isUp = false
  peer.always('PUT', /^\/_matrix\/federation\/v1\/send\//, () =>
    isUp ? { json: { pdus: {} } } : { status: 503, json: { errcode: 'M_UNKNOWN', error: 'full' } },
  )
  const transactions = () => peer.requests.filter(request => request.path.includes('/v1/send/'))
  await here.outbound.start()
  await here.rooms.sending.message(requesterOf(BOB), {
    roomId,
    type: 'm.room.message',
    txnId: '1',
    content: { body: 'hello' },
  })
  await eventually('it is tried', () => transactions().length === 1)
  await here.outbound.queueEdu({
    destinations: [peer.serverName],
    type: 'm.direct_to_device',
    content: { sender: BOB },
    keep: true,
  })
  isUp = true
  here.outbound.resetBackoff(peer.serverName)
  await eventually('it is taken', async () => {
    await here.clock.advance(30_000)
    return transactions().length > 2
  })
  const [first, second, third] = transactions().map(({ path, body }) => ({ path, body: body as JsonObject }))
  t.is(second?.path, first?.path)
  t.deepEqual(second?.body['pdus'], first?.body['pdus'])
  t.not(third?.path, first?.path)
  const body = second?.body ?? {}
  t.is(body['origin'], 'here.test')
  const [pdu] = body['pdus'] as JsonObject[]
  t.like(pdu, { type: 'm.room.message', sender: BOB, content: { body: 'hello' }, room_id: roomId })
  t.false(Object.hasOwn(pdu ?? {}, 'unsigned'))
  const edus = [{ edu_type: 'm.direct_to_device', content: { sender: BOB } }]
  t.deepEqual(third?.body['edus'], edus, 'what came later has a transaction of its own')
  t.is((body['pdus'] as unknown[]).length, 1, 'the join was the resident’s to pass on')
  t.deepEqual(peer.problems(), [])
})
