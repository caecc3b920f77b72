import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { addSignature } from '../../../../core/event/builder.ts'
import { parsePdu } from '../../../../core/event/format.ts'
import { contentHash } from '../../../../core/hashes.ts'
import type { JsonObject } from '../../../../core/json.ts'
import { silentLog } from '../../../../core/log.ts'
import { signingKeyFromSeed } from '../../../../core/signing.ts'
import { type FederationClient, FederationError } from '../../../../network/federation-client.ts'
import type { Database } from '../../../../storage/database.ts'
import { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'
import { openDatabase } from '../../../../storage/open.ts'
import { testDatabase, testDatabases, testPostgres } from '../../../../test-kit/database.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import { type FederatedServer, federatedServer } from '../../../../test-kit/outbound.ts'
import { Resident } from '../../../../test-kit/resident.ts'
import { newRoom, requesterOf } from '../../../../test-kit/rooms.ts'
import { createMetrics } from '../../../metrics.ts'
import { receiveEvent } from '../../../rooms/receive.ts'
import { FederationSender, type SenderOptions } from './sender.ts'

const ALICE = '@alice:here.test'
const MINUTE = 60_000

interface Sent {
  readonly server: string
  readonly pdus: readonly JsonObject[]
  readonly edus: readonly JsonObject[]
  readonly txnId: string
}

/** Other servers that take transactions, unless they are down. */
class Peers {
  readonly sent: Sent[] = []
  readonly attempts: string[] = []
  readonly txnIds: string[] = []
  /** Transactions that hold this text are refused. */
  poison: string | undefined
  readonly down = new Map<string, FederationError | 'hangs'>()
  inFlight = 0
  mostInFlight = 0

  readonly client: FederationClient = {
    sendTransaction: async (
      server: string,
      { body, txnId }: { body: string; txnId: string },
      { signal }: { signal: AbortSignal },
    ) => {
      this.attempts.push(server)
      this.txnIds.push(txnId)
      this.inFlight += 1
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
      try {
        const trouble = this.down.get(server)
        if (trouble instanceof FederationError) throw trouble
        if (this.poison !== undefined && body.includes(this.poison)) throw refused(server)
        if (trouble === 'hangs') {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }
        await this.held.get(server)?.promise
        const { pdus, edus = [] } = JSON.parse(body)
        this.sent.push({ server, pdus, edus, txnId })
        return new Map()
      } finally {
        this.inFlight -= 1
      }
    },
  } as unknown as FederationClient

  readonly held = new Map<string, PromiseWithResolvers<void>>()

  /** Lets a server answer only when the promise is resolved; requests that come from then on are answered at once. */
  hold(server: string): PromiseWithResolvers<void> {
    const hold = Promise.withResolvers<void>()
    this.held.set(server, hold)
    return hold
  }

  /** The bodies of the messages that a server has got, in order. */
  messages(server: string): unknown[] {
    return this.sent
      .filter(one => one.server === server)
      .flatMap(one => one.pdus)
      .flatMap(pdu => (pdu['content'] as JsonObject)['body'] ?? [])
  }

  edus(server: string): unknown[] {
    return this.sent.filter(one => one.server === server).flatMap(one => one.edus.map(edu => edu['content']))
  }
}

const refused = (server: string) =>
  new FederationError('response', server, 'no', { status: 400, errcode: 'M_BAD_JSON' })

const unreachable = (server: string) => new FederationError('unreachable', server, 'down')

interface World {
  readonly here: FederatedServer
  readonly peers: Peers
  build(options?: SenderOptions, onSetAside?: (kind: string) => void): FederationSender
  /** Starts a sender as a process would; `stop` ends it as if the process had gone. */
  run(
    options?: SenderOptions,
    onSetAside?: (kind: string) => void,
  ): Promise<{ sender: FederationSender; stop(): Promise<void> }>
  readonly outbox: OutboxReader
}

const world = async (t: ExecutionContext, database?: Database): Promise<World> => {
  const peers = new Peers()
  const db = database ?? (await testDatabase(t))
  const here = await federatedServer(db, { federation: peers.client, keys: new Map() })
  const build: World['build'] = (options = {}, onSetAside = () => undefined) => {
    const { core, clock } = here
    const sender = new FederationSender(
      {
        core,
        clock,
        federation: peers.client,
        verifyEvents: async () => [],
        permits: server => server !== 'denied.test',
        log: silentLog,
        metrics: { ...createMetrics({ process: false }).federation, setAside: onSetAside },
      },
      options,
    )
    t.teardown(() => sender.close())
    return sender
  }
  const run: World['run'] = async (options, onSetAside) => {
    const sender = build(options, onSetAside)
    await sender.start()
    return { sender, stop: () => sender.close() }
  }
  return { here, peers, build, run, outbox: new OutboxReader(db) }
}

/** A room of Alice's. */
const makeRoom = ({ here }: World): Promise<string> =>
  here.rooms.roomCreation.create(newRoom(here.rooms, ALICE, { preset: 'public_chat' }), { isDirect: false })

/** Lets a user of another server change their membership, as if their server had sent the event. */
const remoteMember = async ({ here }: World, roomId: string, userId: string, membership = 'join') => {
  const resident = new Resident(here.core)
  const { event } = await resident.make(membership as 'join', { roomId, userId })
  const head = await here.core.writer.head(roomId)
  const hashed = { ...event, hashes: { sha256: contentHash(event) }, signatures: {} }
  const parsed = head === undefined ? undefined : parsePdu(hashed, head.version)
  if (parsed === undefined || 'refusal' in parsed) throw new Error('no event')
  const key = signingKeyFromSeed('ed25519:x', new Uint8Array(32).fill(9))
  const received = await receiveEvent(here.core.writer, addSignature(parsed.event, 'x', key))
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
}

let count = 0
const say = ({ here }: World, roomId: string, body: string, stickyMs?: number) =>
  here.rooms.sending.message(requesterOf(ALICE), {
    ...{ roomId, stickyMs },
    type: 'm.room.message',
    txnId: `t${count++}`,
    content: { body },
  })

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
    await first.sender.queueEdu({ destinations: ['b.test'], type: 'm.x', content: { n: 1 }, keep: true })
    await w.run()
    await eventually('all is sent', () => w.peers.messages('b.test').length >= 3)
    t.deepEqual(w.peers.messages('b.test'), ['one', 'two', 'three'])
    t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }])
    await eventually('everything is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
    t.is(await w.outbox.distributed(), database.position('events'))
  },
)

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
  const before = w.peers.attempts.length
  await w.here.clock.advance(30 * MINUTE)
  await eventually('it is tried again', () => w.peers.attempts.length > before)
  w.peers.down.clear()
  await eventually('it has caught up', async () => {
    await w.here.clock.advance(MINUTE)
    return (await w.outbox.pendingServers()).length === 0
  })
  t.deepEqual(w.peers.messages('b.test'), ['first', 'one', 'two', 'newest', 'elsewhere'])
})

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

test('two hundred dead servers among a thousand delay nobody', async t => {
  const w = await world(t)
  const { sender } = await w.run({ lanes: { fast: 20, slow: 220, slowAfterMs: 1_000 } })
  const servers = Array.from({ length: 1_000 }, (_, i) => `s${i}.test`)
  for (const server of servers.slice(0, 200)) w.peers.down.set(server, 'hangs')
  await sender.queueEdu({ destinations: servers, type: 'm.x', content: { n: 1 }, keep: true })
  const delivered = () => new Set(w.peers.sent.map(one => one.server)).size
  // None of the dead ever answers: the others get through only because the dead are put aside.
  await eventually('all others are reached', async () => {
    await w.here.clock.advance(1_000)
    return delivered() === 800
  })
  t.true(w.peers.mostInFlight <= 240, `${w.peers.mostInFlight} at a time`)
})

test('one transaction at a time for each server, none above the limits', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const first = await w.run()
  await first.stop()
  const bodies = Array.from({ length: 130 }, (_, i) => `${i}`)
  for (const body of bodies) await say(w, roomId, body)
  for (let n = 0; n < 230; n++) {
    await first.sender.queueEdu({ destinations: ['b.test'], type: 'm.x', content: { n }, keep: true })
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
    sender.queueEdu({
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
  await first.sender.queueEdu(edu(1))
  const starting = w.build()
  const started = starting.start()
  await Promise.all([starting.queueEdu(edu(2)), started])
  await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
  t.deepEqual(w.peers.edus('b.test'), [{ n: 1 }, { n: 2 }])
  t.is(w.peers.mostInFlight, 1)
})

testDatabases(test, 'who has been gone for months is given up', async (t, database) => {
  const w = await world(t, database)
  const { sender } = await w.run()
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  w.peers.down.set('b.test', unreachable('b.test'))
  await say(w, roomId, 'lost')
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await sender.queueEdu({ destinations: ['b.test'], type: 'm.x', content: {}, keep: true })
  t.deepEqual(await w.outbox.pendingServers(), ['b.test'])
  await w.here.clock.advance(91 * 24 * 60 * MINUTE)
  await eventually('it is given up', async () => {
    await w.here.clock.advance(24 * 60 * MINUTE)
    return (await w.outbox.pendingServers()).length === 0
  })
})

test('an answer in no known form is an answer', async t => {
  const w = await world(t)
  const { sender } = await w.run()
  w.peers.down.set('b.test', new FederationError('malformed', 'b.test', 'not JSON'))
  await sender.queueEdu({ destinations: ['b.test'], type: 'm.x', content: {}, keep: true })
  await eventually('it is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)
  t.deepEqual(await w.outbox.failing(), [])
})

test('what a server never takes is found by halves, set aside and counted', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const first = await w.run()
  await first.stop()
  const bodies = Array.from({ length: 20 }, (_, i) => `m${i};`)
  for (const body of bodies) await say(w, roomId, body)
  for (let n = 0; n < 5; n++) {
    const edu = { destinations: ['b.test'], type: 'm.x', content: { n: `e${n};` }, keep: true }
    await first.sender.queueEdu(edu)
  }
  const setAside: string[] = []
  for (const poison of ['m13;', 'e3;']) {
    w.peers.poison = poison
    const { stop } = await w.run({}, kind => setAside.push(kind))
    await eventually('the rest has arrived', async () => {
      const [failing] = await w.outbox.failing()
      const wait = (failing?.retryAt ?? 0) - w.here.clock.now()
      if (wait > 0) await w.here.clock.advance(wait)
      return poison === 'm13;' ? w.peers.messages('b.test').length >= 19 : setAside.length === 2
    })
    await stop()
    w.peers.poison = undefined
    if (poison === 'm13;') {
      const edu = { destinations: ['b.test'], type: 'm.x', content: { n: 'e3;' }, keep: true }
      await first.sender.queueEdu(edu)
    }
  }
  t.deepEqual(
    w.peers.messages('b.test'),
    bodies.filter(body => body !== 'm13;'),
  )
  t.deepEqual(setAside, ['pdu', 'edu'])
  t.true(w.peers.attempts.length < 40, `${w.peers.attempts.length} attempts`)
  t.deepEqual(await w.outbox.pendingServers(), [])
})

test('a transaction is repeated under its ID until it is taken, without what is stale by then', async t => {
  const w = await world(t)
  const { sender } = await w.run()
  w.peers.down.set('b.test', new FederationError('response', 'b.test', 'busy', { status: 503 }))
  const edu = (n: number, keep: boolean) => ({
    destinations: ['b.test'],
    type: 'm.x',
    content: { n },
    keep,
  })
  await sender.queueEdu(edu(1, true))
  await eventually('a failure is noted', async () => (await w.outbox.failing()).length === 1)
  await sender.queueEdu(edu(2, true))
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
    await standby.queueEdu(edu(1))
    await first.sender.queueEdu(edu(2))
    await eventually('both are sent', () => w.peers.edus('b.test').length === 2)
    const prefixes = () => new Set(w.peers.txnIds.map(txnId => txnId.split('-')[1]))
    t.is(prefixes().size, 1, 'by one process')
    await eventually('all is acknowledged', async () => (await w.outbox.pendingServers()).length === 0)

    // The first process stands still: it neither renews its lease nor notices that it is gone.
    const late = w.peers.hold('b.test')
    await first.sender.queueEdu(edu(3))
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
    await standby.queueEdu(edu(4))
    await eventually('the next is sent, too', () =>
      w.peers.edus('b.test').some(one => (one as JsonObject)['n'] === 4),
    )
    isFrozen = false
    await first.stop()
    t.is(w.peers.edus('b.test').filter(one => (one as JsonObject)['n'] === 4).length, 1)
  },
)

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
