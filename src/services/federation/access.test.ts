import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { FederationError } from '../../network/federation-client.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'
import { requesterOf } from '../../test-kit/rooms.ts'

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

test('a server is heard of once it has asked something, not where others say that they are it', async t => {
  const { a, b } = await pair(t)
  const heard: string[] = []
  a.federation.onHeardOf.push(server => heard.push(server))
  const authorization = `X-Matrix origin="b.test",destination="a.test",key="${b.core.signingKey.keyId}",sig="AAAA"`
  const path = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Aa.test'
  t.is((await a.http.request('GET', path, { headers: { authorization } })).status, 401)
  t.deepEqual(heard, [])
  await b.client.queryProfile('a.test', { userId: ALICE }).catch(() => undefined)
  t.deepEqual(heard, ['b.test'])
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

test('what is soft-failed is shown once the state holds it all the same', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await sharedRoom(p, { preset: 'public_chat', powerLevelOverride: { state_default: 0 } })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const note = await forge(b, roomId, {
    ...{ sender: BOB, type: 'org.example.note', stateKey: '' },
    content: { note: 'so long' },
  })
  await b.clock.advance(1_000)
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  const leave = await stateAt(b, roomId, 'm.room.member', BOB)
  if (leave === undefined) return t.fail()
  await world.send(b, a, [leave, note])
  await world.send(b, c, [note, leave])
  const shown = () => a.rooms.roomReading.event(requesterOf(ALICE), roomId, note.eventId)
  await t.throwsAsync(shown(), { message: /not|no such/i })
  await world.send(c, a, [await say(c, CAROL, roomId, 'both')])
  t.is((await stateAt(a, roomId, 'org.example.note'))?.eventId, note.eventId)
  t.regex(await shown(), /so long/)
})

test('power levels that were redacted are for the rules what is left of them', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const version = a.rooms.roomSettings.versionFor('10')
  const roomId = await sharedRoom(p, { preset: 'public_chat', version, powerLevelOverride: { invite: 50 } })
  const bill = '@bill:b.test'
  const invite = () => b.rooms.memberships.invite({ sender: BOB, userId: bill, roomId })
  await t.throwsAsync(invite(), { message: /may not invite/ })
  const levels = await stateAt(a, roomId, 'm.room.power_levels')
  const redaction = { roomId, redacts: levels?.eventId ?? '', txnId: 'r', reason: undefined }
  const { eventId } = await a.rooms.sending.redaction(requesterOf(ALICE), redaction)
  const stored = await a.core.context.read.events.byId(eventId)
  await world.send(a, b, stored === undefined ? [] : [stored.event])
  await invite()
  const invited = await stateAt(b, roomId, 'm.room.member', bill)
  t.deepEqual([...(await world.send(b, a, invited === undefined ? [] : [invited]))], [])
  t.is((await a.core.writer.head(roomId))?.memberships.get(bill), 'invite')
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

test('only servers in the room are given its events, and only what they may see', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await makeRoom(a, {
    preset: 'public_chat',
    initialState: [
      { type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: 'joined' } },
    ],
  })
  const topics = []
  for (const topic of ['old', 'new'])
    topics.push(await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic } }))
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
  const told = await Promise.all(topics.map(topic => b.client.getEvent('a.test', topic.eventId)))
  t.deepEqual(
    told.map(({ content }) => content),
    [{}, { topic: 'new' }],
    'the present state may be had anyway',
  )
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

test('of a gap the events come first that are fewest steps away, oldest first', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const old = await say(a, ALICE, roomId, 'old')
  for (const body of ['one', 'two', 'three']) await say(a, ALICE, roomId, body)
  await world.send(b, a, [
    await forge(b, roomId, { sender: BOB, prevEvents: [old.eventId], depth: old.depth + 1 }),
  ])
  const { eventId } = await say(a, ALICE, roomId, 'merge')
  const gap = async (limit: number, earliest: string[] = []) => {
    const ask = { roomId, earliest, latest: [eventId], limit, minDepth: 0 }
    const given = await b.client.getMissingEvents('a.test', ask)
    return given.map(pdu => (pdu['content'] as JsonObject)['body'])
  }
  t.deepEqual(await gap(2), ['forged', 'three'])
  t.deepEqual(await gap(5, [old.eventId]), ['one', 'forged', 'two', 'three'])
})

test('who comes later is not told what was redacted of the state', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const topic = await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'a slip' } })
  const redaction = { roomId, redacts: topic.eventId, txnId: 'r', reason: undefined }
  await a.rooms.sending.redaction(requesterOf(ALICE), redaction)
  const { eventId } = await say(a, ALICE, roomId, 'never mind')
  const { state } = await b.client.getState('a.test', { roomId, eventId })
  t.deepEqual(state.find(({ type }) => type === 'm.room.topic')?.['content'], {})
  const c = await world.add('c.test')
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const told = await stateAt(c, roomId, 'm.room.topic')
  t.is(told?.eventId, topic.eventId, 'it is the same event still')
  t.deepEqual(told?.content, {})
  const invited: JsonObject[] = []
  world.intercept = ({ path, body }) => {
    if (path.includes('/v2/invite/')) invited.push(JSON.parse(body ?? '{}') as JsonObject)
    return undefined
  }
  await a.rooms.memberships.invite({ sender: ALICE, userId: '@carl:c.test', roomId })
  t.false(JSON.stringify(invited).includes('a slip'))
  t.is(invited.length, 1)
})
