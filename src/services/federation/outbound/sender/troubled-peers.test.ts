import test from 'ava'
import { FederationError } from '../../../../network/federation-client.ts'
import { testDatabases } from '../../../../test-kit/database.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import {
  distributed,
  MINUTE,
  makeRoom,
  remoteMember,
  say,
  unreachable,
  world,
} from '../../../../test-kit/sender-world.ts'

testDatabases(test, 'who fails is tried more and more rarely, also over a restart', async (t, database) => {
  const w = await world(t, database)
  const { clock } = w.here
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  const first = await w.run()
  await say(w, roomId, 'one')
  const failing = async () => (await w.outbox.failing())[0]
  await eventually('a failure is noted', async () => (await failing())?.failures === 1)
  t.is((await failing())?.firstFailedAt, clock.now())
  await say(w, roomId, 'two')
  t.is(w.peers.attempts.length, 1, 'news are no reason to try')
  await clock.advance(MINUTE)
  await eventually('a second failure is noted', async () => (await failing())?.failures === 2)
  const { retryAt = 0, lastFailedAt = 0 } = (await failing()) ?? {}
  t.true(retryAt - lastFailedAt >= 48_000, 'twice the first wait, less the jitter')
  await first.stop()
  const second = await w.run()
  await clock.advance(10_000)
  t.is(w.peers.attempts.length, 2, 'a restart is no reason to try, either')
  w.peers.down.clear()
  second.sender.resetBackoff('b.test')
  await clock.advance(30_000)
  await eventually('all is sent', () => w.peers.messages('b.test').length === 2)
  t.deepEqual(w.peers.messages('b.test'), ['one', 'two'])
  await eventually('the failure is forgotten', async () => (await failing()) === undefined)
})

testDatabases(test, 'other processes are told once of a server that is there again', async (t, database) => {
  const w = await world(t, database)
  const { bulletin } = w.here.core.context.processes
  const told: unknown[] = []
  bulletin.on('heard of', server => told.push(server))
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  const { sender } = await w.run()
  sender.resetBackoff('b.test')
  await say(w, roomId, 'one')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  for (let requests = 0; requests < 3; requests++) sender.resetBackoff('b.test')
  await bulletin.settled()
  t.deepEqual(told, ['b.test'])
})

testDatabases(test, 'and of one that takes again what is sent to it', async (t, database) => {
  const w = await world(t, database)
  const { bulletin } = w.here.core.context.processes
  const told: unknown[] = []
  bulletin.on('heard of', server => told.push(server))
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  await w.run()
  await say(w, roomId, 'one')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  t.deepEqual(told, [])
  w.peers.down.clear()
  await w.here.clock.advance(MINUTE)
  await eventually('it is told', () => told.length > 0)
  await say(w, roomId, 'two')
  await eventually('all is there', () => w.peers.messages('b.test').length === 2)
  await bulletin.settled()
  t.deepEqual(told, ['b.test'])
})

testDatabases(test, 'after a long failure the newest event of each room is sent', async (t, database) => {
  const w = await world(t, database)
  const rooms = [await makeRoom(w), await makeRoom(w), await makeRoom(w)]
  for (const roomId of rooms) await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  await w.run()
  await say(w, rooms[0] ?? '', '0.0')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  for (const [index, roomId] of rooms.entries()) {
    for (const nth of [1, 2, 3]) await say(w, roomId, `${index}.${nth}`)
  }
  await distributed(w)
  for (let hour = 0; hour < 8; hour++) {
    const before = w.peers.attempts.length
    await w.here.clock.advance(26 * 60 * MINUTE)
    await eventually('it is tried again', () => w.peers.attempts.length > before)
    await eventually('nothing is under way', () => w.here.clock.sleeping > 2)
  }
  w.peers.down.clear()
  await w.here.clock.advance(26 * 60 * MINUTE)
  await eventually('it has caught up', async () => (await w.outbox.pendingServers()).length === 0)
  const [first, ...others] = w.peers.messages('b.test')
  t.is(first, '0.0', 'what failed is what is tried again')
  t.deepEqual(others, ['0.3', '1.3', '2.3'])
  await say(w, rooms[0] ?? '', 'live again')
  await eventually('it is sent at once', () => w.peers.messages('b.test').includes('live again'))
})

testDatabases(test, 'sticky events are sent even so, as long as they stick', async (t, database) => {
  const w = await world(t, database)
  const [roomId, other] = [await makeRoom(w), await makeRoom(w)]
  for (const room of [roomId, other]) await remoteMember(w, room, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  await w.run()
  await say(w, roomId, 'first')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await say(w, roomId, 'plain')
  await say(w, roomId, 'short', 5 * MINUTE)
  for (const body of ['one', 'two']) await say(w, roomId, body, 60 * MINUTE)
  await say(w, roomId, 'newest')
  await say(w, other, 'elsewhere')
  await distributed(w)
  const before = w.peers.attempts.length
  await w.here.clock.advance(30 * MINUTE)
  await eventually('it is tried again', () => w.peers.attempts.length > before)
  w.peers.down.clear()
  // However long that takes, time goes on only as far as the next attempt: what sticks for an hour has to stick still.
  await eventually('it has caught up', async () => {
    const wait = ((await w.outbox.failing())[0]?.retryAt ?? 0) - w.here.clock.now()
    if (wait > 0) await w.here.clock.advance(wait)
    return (await w.outbox.pendingServers()).length === 0
  })
  t.deepEqual(w.peers.messages('b.test'), ['first', 'one', 'two', 'newest', 'elsewhere'])
})

test('two hundred dead servers among a thousand delay nobody', async t => {
  const w = await world(t)
  const { sender } = await w.run({ lanes: { fast: 20, slow: 220, slowAfterMs: 1_000 } })
  const servers = Array.from({ length: 1_000 }, (_, i) => `s${i}.test`)
  for (const server of servers.slice(0, 200)) w.peers.down.set(server, 'hangs')
  await sender.edus.queue({ destinations: servers, type: 'm.x', content: { n: 1 }, keep: true })
  const delivered = () => new Set(w.peers.sent.map(one => one.server)).size
  // None of the dead ever answers: the others get through only because the dead are put aside.
  await eventually('all others are reached', async () => {
    await w.here.clock.advance(1_000)
    return delivered() === 800
  })
  t.true(w.peers.mostInFlight <= 240, `${w.peers.mostInFlight} at a time`)
})

testDatabases(test, 'who has been gone for months is given up', async (t, database) => {
  const w = await world(t, database)
  const { sender } = await w.run()
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  await say(w, roomId, 'lost')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await sender.edus.queue({ destinations: ['b.test'], type: 'm.x', content: {}, keep: true })
  t.deepEqual(await w.outbox.pendingServers(), ['b.test'])
  await w.here.clock.advance(91 * 24 * 60 * MINUTE)
  await eventually('it is given up', async () => {
    await w.here.clock.advance(24 * 60 * MINUTE)
    return (await w.outbox.pendingServers()).length === 0
  })
})

test('a transaction is repeated under its ID until it is taken, without what is stale by then', async t => {
  const w = await world(t)
  const { sender } = await w.run()
  w.peers.down.set('b.test', new FederationError('response', 'b.test', 'busy', { status: 503 }))
  const edu = (n: number, keep: boolean) => ({ destinations: ['b.test'], type: 'm.x', content: { n }, keep })
  await sender.edus.queue(edu(1, true))
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await sender.edus.queue(edu(2, true))
  await w.here.clock.advance(MINUTE)
  await eventually('it is tried again', () => w.peers.attempts.length === 2)
  await eventually('the failure is noted', async () => (await w.outbox.failing())[0]?.failures === 2)
  w.peers.down.clear()
  await w.here.clock.advance(10 * MINUTE)
  await eventually('all is sent', async () => (await w.outbox.pendingServers()).length === 0)
  const [one, two, three, four] = w.peers.txnIds
  t.is(one, two)
  t.is(two, three)
  t.not(three, four)
  t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }, { n: 2 }])
})

test('after a long absence of ours peers are told that we are back, one after another', async t => {
  const w = await world(t)
  const { clock } = w.here
  const roomId = await makeRoom(w)
  for (const host of ['b', 'c', 'd']) await remoteMember(w, roomId, `@u:${host}.test`)
  await remoteMember(w, roomId, '@dan:denied.test')
  const first = await w.run()
  await first.stop()
  await clock.advance(10 * MINUTE)
  const second = await w.run()
  await second.stop()
  t.deepEqual(w.peers.attempts, [], 'a restart is no absence')
  await clock.advance(31 * MINUTE)
  w.peers.down.set('c.test', unreachable('c.test'))
  await w.run()
  await eventually('the first is told', () => w.peers.attempts.length === 1)
  await clock.advance(0)
  t.is(w.peers.attempts.length, 1)
  await eventually('all are told', async () => {
    await clock.advance(500)
    return w.peers.attempts.length === 3
  })
  t.deepEqual(w.peers.attempts.toSorted(), ['b.test', 'c.test', 'd.test'])
  t.deepEqual(w.peers.sent.map(({ server, pdus, edus }) => [server, pdus.length, edus.length]).toSorted(), [
    ['b.test', 0, 0],
    ['d.test', 0, 0],
  ])
})
