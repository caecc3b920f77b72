import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { transactionBody } from '../../network/federation/transactions.ts'
import { InboxReader, InboxWriter } from '../../storage/federation/inbox.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, makeRoom, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'

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
  const isIn = async () => (await a.core.writer.head(roomId))?.memberships.get(CAROL) === 'join'
  await eventually('Carol is there', isIn)
  await say(c, CAROL, roomId, 'hello from c')
  for (const server of [a, b]) {
    const hears = async () => (await messagesOf(server, roomId)).includes('hello from c')
    await eventually('they hear Carol', hears)
  }
  await say(a, ALICE, roomId, 'welcome')
  for (const server of [b, c]) {
    const hears = async () => (await messagesOf(server, roomId)).includes('welcome')
    await eventually('they hear Alice', hears)
  }
  t.pass()
})

test('what happens while another server joins reaches it, though nothing follows', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  for (const server of [a, b]) server.federation.start()
  const roomId = await makeRoom(a)
  world.transport = async ({ path }, deliver) => {
    if (path.includes('/send_join/')) {
      // The join is made already: it does not refer to these.
      await say(a, ALICE, roomId, 'in between')
      await setState(a, ALICE, roomId, { type: 'm.room.topic', content: { topic: 'Tea' } })
    }
    return deliver()
  }
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  const ends = async ({ core }: WorldServer) => (await core.writer.head(roomId))?.extremities.length
  await eventually('all is tied', async () => {
    await a.clock.advance(1_000)
    const isThere = (await stateAt(b, roomId, 'm.room.topic')) !== undefined
    return isThere && (await ends(a)) === 1 && (await ends(b)) === 1
  })
  t.deepEqual(await messagesOf(b, roomId), ['in between'])
  world.transport = (_, deliver) => deliver()
  const quiet = await sharedRoom(p)
  const after = (await a.core.writer.head(quiet))?.extremities
  await a.clock.advance(60_000)
  t.deepEqual((await a.core.writer.head(quiet))?.extremities, after, 'otherwise nothing is to be tied')
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
  const { backfill } = b.client
  Object.assign(b.client, {
    backfill: (...[server, ask, options]: Parameters<typeof backfill>) =>
      backfill(server, { ...ask, limit: 10 }, options),
  })
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
