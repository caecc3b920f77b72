import test from 'ava'
import { FederationError } from '../../network/federation-client.ts'
import { type Database, DatabaseUnavailable, type WriteSet } from '../../storage/database.ts'
import { delegate } from '../../storage/delegate.ts'
import { InboxReader } from '../../storage/federation/inbox.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, CAROL, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say, type WorldServer } from '../../test-kit/federation-world.ts'
import { HEAD_GUARD } from '../rooms/room-drafts.ts'

const storesEvent = ({ statements }: WriteSet): boolean =>
  statements.some(({ prepared }) => prepared.sql.includes('INTO event_json'))

/** A database that asks before it commits a write set that stores an event. */
const guarded = (database: Database, look: (set: WriteSet) => Promise<void> | void): Database => ({
  ...delegate(database),
  commit: async set => {
    if (storesEvent(set)) await look(set)
    return database.commit(set)
  },
})

const stagedIds = async ({ database }: WorldServer): Promise<string[]> =>
  (await new InboxReader(database).staged(undefined, 10)).map(({ eventId }) => eventId)

test('what the room takes at once is stored once, and the answer remembered', async t => {
  const sets: WriteSet[] = []
  const database = await testDatabase(t)
  const commit: Database['commit'] = set => {
    sets.push(set)
    return database.commit(set)
  }
  const p = await pair(t, { ...delegate(database), commit })
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const events = [await say(a, ALICE, roomId, 'one'), await say(a, ALICE, roomId, 'two')]
  sets.splice(0)
  await world.send(a, b, events, 'txn')
  t.deepEqual(await messagesOf(b, roomId), ['one', 'two'])
  const written = sets.map(set => set.statements.map(({ prepared }) => prepared.sql).join('; '))
  t.is(written.filter(sql => sql.includes('INTO event_json')).length, 1)
  t.false(written.some(sql => sql.includes('staged_pdus')))
  // Nobody has waited for that.
  await b.database.commit({ statements: [] })
  t.deepEqual(await new InboxReader(b.database).responseTo('a.test', 'txn'), {
    pdus: Object.fromEntries(events.map(({ eventId }) => [eventId, {}])),
  })
})

test('what lacks something is staged before it is acknowledged, whoever sends it', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const c = await world.add('c.test')
  const roomId = await sharedRoom(p)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const joined = await c.core.writer.head(roomId)
  const [join] = await c.core.context.read.events.byNids([joined?.entry('m.room.member', CAROL)?.nid ?? 0])
  await world.send(a, b, [join?.event ?? {}])
  await say(a, ALICE, roomId, 'unheard')
  const last = await say(a, ALICE, roomId, 'last')
  const { promise: asked, resolve: release } = Promise.withResolvers<void>()
  world.transport = async ({ path }, deliver) => {
    if (path.includes('get_missing_events')) await asked
    return deliver()
  }
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  t.is((await world.send(a, b, [last])).size, 0)
  t.deepEqual(await stagedIds(b), [last.eventId])
  t.is((await world.send(c, b, [last])).size, 0)
  t.deepEqual(await messagesOf(b, roomId), [])
  release()
  await idle()
  t.deepEqual(await messagesOf(b, roomId), ['unheard', 'last'])
  t.deepEqual(await stagedIds(b), [])
})

test('what takes long is staged, and acknowledged', async t => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: over, resolve: release } = Promise.withResolvers<void>()
  let isSlow = false
  const p = await pair(
    t,
    guarded(await testDatabase(t), () => {
      if (!isSlow) return undefined
      begin()
      return over
    }),
  )
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'slow')
  isSlow = true
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  const sending = world.send(a, b, [event])
  await begun
  await b.clock.advance(2_000)
  t.is((await sending).size, 0)
  t.deepEqual(await stagedIds(b), [event.eventId])
  release()
  await idle()
  t.deepEqual(await messagesOf(b, roomId), ['slow'])
  t.deepEqual(await stagedIds(b), [])
})

test('what could not be stored is not acknowledged, and comes again', async t => {
  let isFull = false
  const p = await pair(
    t,
    guarded(await testDatabase(t), () => {
      if (isFull) throw new DatabaseUnavailable('full')
    }),
  )
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'hi')
  isFull = true
  const refused = await t.throwsAsync<FederationError>(world.send(a, b, [event], 'txn'), {
    instanceOf: FederationError,
  })
  t.is(refused?.status, 503)
  isFull = false
  t.is((await world.send(a, b, [event], 'txn')).size, 0)
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
})

test('what other processes leave no room for is not acknowledged, and comes again', async t => {
  let isContended = false
  const database = await testDatabase(t)
  const commit: Database['commit'] = async set =>
    isContended && storesEvent(set) ? { ok: false, guard: HEAD_GUARD } : database.commit(set)
  const p = await pair(t, { ...delegate(database), commit })
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'hi')
  isContended = true
  const refused = await t.throwsAsync<FederationError>(world.send(a, b, [event], 'txn'))
  t.is(refused?.status, 503)
  isContended = false
  t.is((await world.send(a, b, [event], 'txn')).size, 0)
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
})

test('what was acknowledged and could not be stored then is tried again', async t => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: over, resolve: release } = Promise.withResolvers<void>()
  let isFull = false
  const p = await pair(
    t,
    guarded(await testDatabase(t), async () => {
      if (!isFull) return
      begin()
      await over
      throw new DatabaseUnavailable('full')
    }),
  )
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const event = await say(a, ALICE, roomId, 'hi')
  isFull = true
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  const sending = world.send(a, b, [event])
  await begun
  await b.clock.advance(2_000)
  t.is((await sending).size, 0)
  release()
  await idle()
  t.deepEqual(await messagesOf(b, roomId), [])
  t.deepEqual(await stagedIds(b), [event.eventId])
  isFull = false
  await b.clock.advance(10_000)
  await idle()
  t.deepEqual(await messagesOf(b, roomId), ['hi'])
  t.deepEqual(await stagedIds(b), [])
})

test('whoever stops waits for no server that is silent, and asks it again after the next start', async t => {
  const database = await testDatabase(t)
  const p = await pair(t, database)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'unheard')
  const last = await say(a, ALICE, roomId, 'last')
  const asked = Promise.withResolvers<void>()
  const never = Promise.withResolvers<never>()
  world.transport = async ({ path }, deliver) => {
    if (!path.includes('get_missing_events')) return deliver()
    asked.resolve()
    return never.promise
  }
  Object.assign(b.federation, { idle: async () => undefined })
  t.is((await world.send(a, b, [last])).size, 0)
  await asked.promise
  // No clock moves: nobody's patience ends.
  await b.stop()
  t.deepEqual(await stagedIds(b), [last.eventId])
  world.transport = (_request, deliver) => deliver()
  const next = await world.add('b.test', { database, clock: b.clock })
  next.federation.start()
  await eventually('it has caught up', async () => (await messagesOf(next, roomId)).length === 2)
  t.deepEqual(await messagesOf(next, roomId), ['unheard', 'last'])
  await eventually('nothing is left to do', async () => (await stagedIds(next)).length === 0)
})

test('what is asked for a last time as the server stops is asked for after the next start', async t => {
  const database = await testDatabase(t)
  const p = await pair(t, database)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  await say(a, ALICE, roomId, 'unheard')
  const last = await say(a, ALICE, roomId, 'last')
  let asked = 0
  let answer: () => Promise<never> = () =>
    Promise.reject(new FederationError('unreachable', 'a.test', 'down'))
  world.transport = async ({ path }, deliver) => {
    if (path.includes('get_missing_events')) asked += 1
    return /get_missing_events|\/state|\/event\//.test(path) ? answer() : deliver()
  }
  const idle = b.federation.idle
  Object.assign(b.federation, { idle: async () => undefined })
  t.is((await world.send(a, b, [last])).size, 0)
  await idle()
  t.is(asked, 1)
  for (const [times, pause] of [10_000, 60_000].entries()) {
    await b.clock.advance(pause)
    await eventually('it is asked again', () => asked === times + 2)
    await idle()
  }
  const never = Promise.withResolvers<never>()
  answer = () => never.promise
  await b.clock.advance(600_000)
  await eventually('it is asked for the last time', () => asked === 4)
  await b.stop()
  t.deepEqual(await stagedIds(b), [last.eventId])
})
