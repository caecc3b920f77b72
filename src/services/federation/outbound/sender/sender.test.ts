import { randomBytes } from 'node:crypto'
import test from 'ava'
import type { JsonObject } from '../../../../core/json.ts'
import { silentLog } from '../../../../core/log.ts'
import { FederationError } from '../../../../network/federation-client.ts'
import { openDatabase } from '../../../../storage/open.ts'
import { testDatabases, testPostgres } from '../../../../test-kit/database.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import { federatedServer } from '../../../../test-kit/outbound.ts'
import {
  ALICE,
  MINUTE,
  makeRoom,
  remoteMember,
  say,
  unreachable,
  world,
} from '../../../../test-kit/sender-world.ts'
import { FederationSender } from './sender.ts'

testDatabases(test, 'local events go to the servers in the room, and to nobody else', async (t, database) => {
  const w = await world(t, database)
  await w.run()
  const roomId = await makeRoom(w)
  await say(w, roomId, 'alone')
  await remoteMember(w, roomId, '@bob:b.test')
  await say(w, roomId, 'one')
  await remoteMember(w, roomId, '@carol:c.test')
  await remoteMember(w, roomId, '@dan:denied.test')
  await say(w, roomId, 'two')
  await w.here.rooms.memberships.kick({ sender: ALICE, userId: '@bob:b.test', roomId })
  await say(w, roomId, 'three')
  await eventually('all is sent', () => w.peers.messages('c.test').includes('three'))
  t.deepEqual(w.peers.messages('c.test'), ['two', 'three'])
  await eventually('the kick is sent', () =>
    w.peers.sent.some(
      ({ server, pdus }) => server === 'b.test' && pdus.some(pdu => pdu['state_key'] !== undefined),
    ),
  )
  t.deepEqual(w.peers.messages('b.test'), ['one', 'two'], 'who was put out learns of that, and nothing more')
  t.deepEqual([...new Set(w.peers.attempts)].toSorted(), ['b.test', 'c.test'])
  for (const { pdus } of w.peers.sent) {
    for (const pdu of pdus) t.is(pdu['sender'], ALICE, 'only what is ours to send')
  }
  await eventually('everything is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
})

testDatabases(
  test,
  'what was not acknowledged is sent after a restart, in order and once',
  async (t, database) => {
    const w = await world(t, database)
    const roomId = await makeRoom(w)
    await remoteMember(w, roomId, '@bob:b.test')
    const first = await w.run()
    w.peers.down.set('b.test', 'hangs')
    await say(w, roomId, 'one')
    await eventually('it is under way', () => w.peers.inFlight === 1)
    await say(w, roomId, 'two')
    await first.stop()
    await say(w, roomId, 'three')
    w.peers.down.clear()
    await first.sender.edus.queue({ destinations: ['b.test'], type: 'm.x', content: { n: 1 }, keep: true })
    await w.run()
    await eventually('all is sent', () => w.peers.messages('b.test').length >= 3)
    t.deepEqual(w.peers.messages('b.test'), ['one', 'two', 'three'])
    t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }])
    await eventually('everything is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
    t.is(await w.outbox.distributed(), database.position('events'))
  },
)

testDatabases(
  test,
  'a server that comes into a room gets what is sticky there of ours',
  async (t, database) => {
    const w = await world(t, database)
    const [roomId, other] = [await makeRoom(w), await makeRoom(w)]
    await w.run()
    await say(w, roomId, 'short', 5 * MINUTE)
    await say(w, roomId, 'one', 60 * MINUTE)
    await say(w, roomId, 'plain')
    await say(w, roomId, 'two', 60 * MINUTE)
    await say(w, other, 'elsewhere', 60 * MINUTE)
    await w.here.clock.advance(10 * MINUTE)
    await remoteMember(w, roomId, '@bob:b.test')
    await eventually('it gets them', () => w.peers.messages('b.test').length === 2)
    await remoteMember(w, roomId, '@beth:b.test')
    await say(w, roomId, 'live')
    await eventually('it gets what follows', () => w.peers.messages('b.test').includes('live'))
    t.deepEqual(w.peers.messages('b.test'), ['one', 'two', 'live'])
    await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
  },
)

test('one transaction at a time for each server, none above the limits', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const first = await w.run()
  await first.stop()
  const bodies = Array.from({ length: 130 }, (_, i) => `${i}`)
  for (const body of bodies) await say(w, roomId, body)
  for (let n = 0; n < 230; n++) {
    await first.sender.edus.queue({ destinations: ['b.test'], type: 'm.x', content: { n }, keep: true })
  }
  w.peers.mostInFlight = 0
  await w.run()
  const isAllSent = (): boolean =>
    w.peers.messages('b.test').length >= bodies.length && w.peers.edus('b.test').length >= 230
  await eventually('all is sent', async () => isAllSent() && (await w.outbox.pendingServers()).length === 0)
  t.deepEqual(w.peers.messages('b.test'), bodies)
  t.deepEqual(
    w.peers.edus('b.test'),
    Array.from({ length: 230 }, (_, n) => ({ n })),
  )
  t.is(w.peers.mostInFlight, 1)
  for (const { pdus, edus } of w.peers.sent) t.true(pdus.length <= 50 && edus.length <= 100)
})

test('stale ephemera are dropped, what is to be kept never', async t => {
  const w = await world(t)
  const { sender } = await w.run()
  const to = (server: string, content: JsonObject, keep: boolean, key?: string) =>
    sender.edus.queue({
      destinations: [server, 'here.test', 'denied.test'],
      type: 'm.x',
      content,
      keep,
      ...(key === undefined ? {} : { key }),
    })
  await to('up.test', { typing: true }, false, 'room')
  await eventually('it is sent', () => w.peers.edus('up.test').length === 1)

  w.peers.down.set('b.test', unreachable('b.test'))
  await to('b.test', { typing: 1 }, false)
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await to('b.test', { typing: 2 }, false)
  await to('b.test', { message: 1 }, true)
  await to('b.test', { devices: 1 }, true, 'bob')
  await to('b.test', { devices: 2 }, true, 'bob')
  w.peers.down.clear()
  await w.here.clock.advance(MINUTE)
  await eventually('what was kept is sent', () => w.peers.edus('b.test').length >= 2)
  t.deepEqual(w.peers.edus('b.test'), [{ message: 1 }, { devices: 2 }])
  t.deepEqual(new Set(w.peers.attempts), new Set(['up.test', 'b.test']))
})

test('what is queued before the start is sent once', async t => {
  const w = await world(t)
  const edu = (n: number) => ({ destinations: ['b.test'], type: 'm.x', content: { n }, keep: true })
  const first = await w.run()
  await first.stop()
  await first.sender.edus.queue(edu(1))
  const starting = w.build()
  const started = starting.start()
  await Promise.all([starting.edus.queue(edu(2)), started])
  await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
  t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }, { n: 2 }])
  t.is(w.peers.mostInFlight, 1)
})

test('what is sent to where no homeserver answers is sent again', async t => {
  const w = await world(t)
  const { sender } = await w.run()
  w.peers.down.set('b.test', new FederationError('malformed', 'b.test', 'not JSON'))
  await sender.edus.queue({ destinations: ['b.test'], type: 'm.x', content: { n: 1 }, keep: true })
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  w.peers.down.clear()
  await w.here.clock.advance(2 * MINUTE)
  await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
  t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }])
})

testPostgres(
  test,
  'of two processes on one database one sends, and the other when that has gone',
  async (t, database, config) => {
    const w = await world(t, database)
    const first = await w.run()
    const other = await openDatabase(config)
    t.teardown(() => other.close())
    const keys = new Map()
    const { clock } = w.here
    const federation = w.peers.client
    const { core } = await federatedServer(other, { federation, keys, clock, random: randomBytes })
    const standby = new FederationSender({
      ...{ core, clock, federation, verifyEvents: async () => [], permits: () => true, log: silentLog },
    })
    t.teardown(() => standby.close())
    await standby.start()
    const edu = (n: number) => ({ destinations: ['b.test'], type: 'm.x', content: { n }, keep: true })
    await standby.edus.queue(edu(1))
    await first.sender.edus.queue(edu(2))
    await eventually('both are sent', () => w.peers.edus('b.test').length === 2)
    const prefixes = () => new Set(w.peers.txnIds.map(txnId => txnId.split('-')[1]))
    t.is(prefixes().size, 1, 'by one process')
    await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)

    // The first process stands still: it neither renews its lease nor notices that it is gone.
    const late = w.peers.hold('b.test')
    await first.sender.edus.queue(edu(3))
    await eventually('it is under way', () => w.peers.inFlight === 1)
    const { commit } = database
    let isFrozen = true
    t.teardown(() => {
      isFrozen = false
    })
    Object.assign(database, {
      commit: async (...set: Parameters<typeof commit>) => {
        while (isFrozen) await new Promise(resolve => setImmediate(resolve))
        return commit.apply(database, set)
      },
    })
    await eventually('the other takes over', async () => {
      await clock.advance(10_000)
      return prefixes().size === 2
    })
    late.resolve()
    await eventually('it is sent by the other', async () => (await w.outbox.pendingServers()).length === 0)
    await standby.edus.queue(edu(4))
    await eventually('the next is sent, too', () =>
      w.peers.edus('b.test').some(one => (one as JsonObject)['n'] === 4),
    )
    isFrozen = false
    await first.stop()
    t.is(w.peers.edus('b.test').filter(one => (one as JsonObject)['n'] === 4).length, 1)
  },
)
