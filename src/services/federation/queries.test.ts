import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { canonicalJson, parseJson } from '../../core/canonical-json.ts'
import { silentLog } from '../../core/log.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import { startPeer } from '../../test-kit/federation.ts'
import { FederationWorld, say, setState } from '../../test-kit/federation-world.ts'
import { realClock } from '../../test-kit/real-clock.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { FEDERATION_OPTIONS } from '../../test-kit/server-server-app.ts'
import { testAuthority } from '../../test-kit/tls.ts'
import { UserDirectory } from '../search/user-directory.ts'
import { createFederation } from './index.ts'

test('aliases and versions are told', async t => {
  const { a, b } = await pair(t)
  const roomId = await makeRoom(a)
  await a.rooms.directory.add({ userId: ALICE, isInControl: false }, '#tea:a.test', roomId)
  t.deepEqual(await b.rooms.directory.resolve('#tea:a.test'), { roomId, servers: ['a.test'] })
  await t.throwsAsync(b.rooms.directory.resolve('#none:a.test'), { message: /no room|alias/ })
  Object.assign(b.client, {
    queryDirectory: async () => ({ roomId, servers: ['gone.test', 'a.test', 'slow.test'] }),
  })
  const { servers } = await b.rooms.directory.resolve('#tea:a.test')
  t.deepEqual(servers, ['a.test', 'gone.test', 'slow.test'], 'who has answered is asked for the room first')
  const { body } = await a.http.request('GET', '/_matrix/federation/v1/version')
  t.deepEqual(body, { server: { name: 'Tessera', version: '0' }, 'chat.tessera': { enabled: true } })
})

testDatabases(test, 'people elsewhere are found by what they were called last', async (t, database) => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test', { database }), await world.add('b.test')]
  for (const name of ['First', 'Second', 'Third']) {
    const roomId = await makeRoom(a)
    await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
    const content = { membership: 'join', displayname: name }
    await world.send(b, a, [
      await setState(b, BOB, roomId, { type: 'm.room.member', stateKey: BOB, content }),
    ])
  }
  const directory = new UserDirectory(a.core.context.read)
  t.deepEqual((await directory.search(ALICE, 'third')).results, [{ user_id: BOB, display_name: 'Third' }])
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
  const request = { ...parts, keyId: peer.signingKey.keyId, signature, body: async () => undefined }
  await federation.verifyRequest(request)
  // Servers from before v1.3 leave it out of their header, and sign it all the same.
  await federation.verifyRequest({ ...request, destination: undefined })
  await t.throwsAsync(federation.verifyRequest({ ...request, destination: 'other.test' }), {
    message: /for another/,
  })
  const bodyOf = (text: string) => async () => ({ text, content: () => parseJson(text) })
  // A number without a canonical form is signed as it was read, or as the integer that it is.
  for (const text of ['{"a":1.0,"b":2}', '{"a":1,"b":2}', '{"a":3,"b":2}']) {
    const signed = canonicalJson(parts).replace('{', `{"content":${text},`)
    const own = peer.signingKey.sign(Buffer.from(signed))
    const verified = federation.verifyRequest({
      ...request,
      signature: own,
      body: bodyOf('{"b":2,"a":1.0}'),
    })
    if (text.includes('3')) await t.throwsAsync(verified, { message: /signature is wrong/ })
    else await t.notThrowsAsync(verified, text)
  }
  const signedWith = (text: string) =>
    peer.signingKey.sign(Buffer.from(canonicalJson(parts).replace('{', `{"content":${text},`)))
  const sent = (text: string, signed = text) =>
    federation.verifyRequest({ ...request, signature: signedWith(signed), body: bodyOf(text) })
  await sent('{"a":1}')
  await t.throwsAsync(
    sent('{"a":1e999}'),
    { message: /no canonical form/ },
    'also where it is signed as it was sent',
  )
  // Whoever knows a server's name and its key's may make up a body: millions of values are not read for that.
  const dense = JSON.stringify([...Array(1_000_100).fill(0)])
  await sent(dense)
  await t.throwsAsync(sent(` ${dense}`, dense), { message: /not of the body as it was sent/ })
  await sent(' [0]', '[0]')
  let asked = 0
  const body = async () => {
    asked++
    return undefined
  }
  const byNobody = federation.verifyRequest({ ...request, keyId: 'ed25519:other', body })
  await t.throwsAsync(byNobody, { message: /cannot be had/ })
  t.is(asked, 0, 'the body is not waited for')
  const wrong = { ...request, uri: '/y' }
  await t.throwsAsync(federation.verifyRequest(wrong), { message: /signature is wrong/ })
  await t.throwsAsync(federation.verifyRequest({ ...request, keyId: 'ed25519:other' }), {
    message: /cannot be had/,
  })
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
