import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { JsonObject } from '../../core/json.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { transactionBody } from '../../network/federation/transactions.ts'
import { FederationError } from '../../network/federation-client.ts'
import { DatabaseUnavailable } from '../../storage/database.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { ALICE, BOB, forge, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { FederationWorld, messagesOf, say } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

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

test('a transaction of EDUs alone need not say that it has no PDUs', async t => {
  const { a } = await pair(t)
  const edus = [{ edu_type: 'm.typing', content: {} }]
  for (const [index, lists] of [{ edus }, { edus, pdus: null }, { pdus: [], edus: null }].entries()) {
    const answer = await a.client.request({
      ...{ destination: 'b.test', method: 'PUT', path: `/_matrix/federation/v1/send/none-${index}` },
      body: { origin: 'a.test', origin_server_ts: 1, ...lists },
      parse: body => body,
    })
    t.deepEqual(answer, { pdus: {} })
  }
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

test('EDUs of a room wait for the events that come along, and for a join that is under way', async t => {
  const { a, b, world } = await pair(t)
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  const found: unknown[] = []
  b.federation.transactions.onEdu('m.typing', async (_, { room_id: room }) => {
    const isIn = (await b.core.writer.head(String(room)))?.hasHost('b.test') === true
    found.push(isIn && (await messagesOf(b, String(room))))
  })
  const send = async (txnId: string, pdus: readonly string[]): Promise<void> => {
    const content = { room_id: roomId, user_id: ALICE, typing: true }
    const edus = [canonicalJson({ edu_type: 'm.typing', content })]
    const body = transactionBody({ origin: 'a.test', originServerTs: 1, pdus, edus })
    await a.client.sendTransaction('b.test', { txnId, body })
  }
  const sending: Promise<void>[] = []
  // While the answer to the join is on its way, the room goes on.
  world.transport = async ({ path }, deliver) => {
    const answer = await deliver()
    if (path.includes('/send_join/')) sending.push(send('early', []))
    return answer
  }
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await Promise.all(sending)
  t.deepEqual(found, [[]])
  await send('later', [canonicalJson((await say(a, ALICE, roomId, 'hi')).pdu)])
  t.deepEqual(found, [[], ['hi']])
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
  t.is((await t.throwsAsync<FederationError>(send))?.status, 503)
  isThere = true
  await send()
  await send()
  await b.federation.idle()
  t.deepEqual(taken, [{ n: 1 }])
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
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

test('an event that is too deep, too large or no object is dropped alone', async t => {
  const database = await testDatabase(t)
  const p = await pair(t, database)
  const roomId = await sharedRoom(p)
  let deep: JsonObject = {}
  for (let level = 0; level < 130; level++) deep = { deep }
  const large = await forge(p.a, roomId, { sender: ALICE, content: { body: 'x'.repeat(70_000) } })
  const forged = await forge(p.a, roomId, { sender: ALICE, content: {} })
  // No server of ours makes such an event. Its ID is the same: nothing of a message's content is left when it is redacted.
  const nested = { ...forged, pdu: { ...forged.pdu, content: deep } }
  const good = await say(p.a, ALICE, roomId, 'good')
  await p.world.send(p.a, p.b, [large, nested, good])
  t.true((await messagesOf(p.b, roomId)).includes('good'))
  t.is(await p.b.core.context.read.events.byId(large.eventId), undefined)
  t.is(await p.b.core.context.read.events.byId(nested.eventId), undefined)
})
