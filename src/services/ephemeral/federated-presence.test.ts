import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, deliver, type Place, twoPlaces as setting } from '../../test-kit/ephemeral.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'
import { EduSender } from './edu-sender.ts'
import { Presence } from './presence.ts'

const MINUTE = 60_000

testDatabases(
  test,
  'presence travels, is told again, and ends with the silence of a server',
  async (t, db) => {
    const { a, b, idle } = await setting(t, db)
    const [atA, atB] = [a.ephemeral.services.presence, b.ephemeral.services.presence]
    const ended = atA.syncing(requesterOf(ALICE), 'online')
    await idle()
    t.like(atB.states.get(ALICE), { presence: 'online', currentlyActive: true })
    t.is(a.sent.length, 1)
    await atA.set(requesterOf(ALICE), 'online', 'Hello')
    await idle()
    t.is(atB.states.get(ALICE)?.statusMsg, 'Hello')

    // A client that goes on waiting is there; without anything done, its user is idle after a while.
    await a.clock.advance(5 * MINUTE)
    await idle()
    t.like(atA.states.get(ALICE), { presence: 'unavailable' })
    t.like(atB.states.get(ALICE), { presence: 'unavailable' })
    atA.active(requesterOf(ALICE, 'PHONE'))
    t.like(atA.states.get(ALICE), { presence: 'online', currentlyActive: true }, 'on any device')
    await a.clock.advance(MINUTE)
    t.like(atA.states.get(ALICE), { presence: 'unavailable' }, 'the telephone was there for a moment')
    await idle()
    const soFar = a.sent.length
    await a.clock.advance(25 * MINUTE)
    await atA.tidy()
    await idle()
    t.is(a.sent.length, soFar + 1)
    ended()
    await a.clock.advance(MINUTE)
    await idle()
    t.like(atB.states.get(ALICE), { presence: 'offline', statusMsg: 'Hello' })

    const push = (update: JsonObject, origin = 'a.test'): Promise<void> =>
      deliver(b, 'm.presence', origin, { push: [{ user_id: ALICE, presence: 'online', ...update }] })
    await push({ status_msg: 7, last_active_ago: 'x' })
    t.like(atB.states.get(ALICE), { presence: 'online', statusMsg: undefined, lastActiveTs: b.clock.now() })
    await push({ presence: 'offline' }, 'evil.test')
    await push({ presence: 'busy' })
    await push({ user_id: '@stranger:a.test' })
    await deliver(b, 'm.presence', 'a.test', { push: [null, 7, {}] })
    await deliver(b, 'm.presence', 'a.test', { push: 7 })
    t.is(atB.states.get('@stranger:a.test'), undefined, 'in no room with anybody here')
    t.is(atB.states.get(ALICE)?.presence, 'online')
    await b.clock.advance(40 * MINUTE)
    await atB.tidy()
    t.is(atB.states.get(ALICE)?.presence, 'offline')
  },
)

testDatabases(
  test,
  'who comes into a room of several servers is told how those there are, and they how they are',
  async (t, db) => {
    const { a, b, idle } = await setting(t, db)
    const ended = a.ephemeral.services.presence.syncing(requesterOf(ALICE), 'online')
    t.teardown(ended)
    await idle()
    const soFar = a.sent.length
    const make = (place: Place, userId: string) =>
      place.rooms.roomCreation.create(newRoom(place.rooms, userId, { preset: 'public_chat' }), {
        isDirect: false,
      })
    const change = async (roomId: string, userId: string): Promise<void> =>
      a.ephemeral.memberChanged(userId, (await a.core.context.read.rooms.byId(roomId))?.nid ?? 0)
    const told = async (roomId: string, userId: string): Promise<readonly string[][]> => {
      const before = a.sent.length
      await change(roomId, userId)
      await eventually('it is told', async () => {
        await idle()
        return a.sent.length > before
      })
      return a.sent.slice(before).map(edu => [edu.type, ...edu.destinations])
    }
    const ours = await make(a, ALICE)
    await change(ours, ALICE)
    await idle()
    t.is(a.sent.length, soFar, 'nobody else is there')
    await b.rooms.memberships.join({ userId: BOB, roomId: ours, via: ['a.test'] })
    t.deepEqual(await told(ours, BOB), [['m.presence', 'b.test']])
    await change(ours, BOB)
    const theirs = await make(b, BOB)
    await a.rooms.memberships.join({ userId: ALICE, roomId: theirs, via: ['b.test'] })
    t.deepEqual(await told(theirs, ALICE), [['m.presence', 'b.test']])
    t.is(a.sent.length, soFar + 2, 'not anew with every name that somebody takes')
  },
)

testDatabases(
  test,
  'whoever looks while presence is read after a start is told of all later',
  async (t, db) => {
    const { a, nidAt, idle } = await setting(t, db)
    await deliver(a, 'm.presence', 'b.test', {
      push: [{ user_id: BOB, presence: 'online', last_active_ago: 0 }],
    })
    await idle()
    await a.ephemeral.services.presence.tidy()
    const edus = new EduSender({ queue: () => undefined, serverName: 'a.test', log: silentLog })
    const parts = { context: a.core.context, clock: a.clock, edus, log: silentLog }
    const next = new Presence({ ...parts, enabled: true, overFederation: false })
    const rooms = new Set([await nidAt(a)])
    const { position } = next.states
    t.deepEqual(
      next.states.news(ALICE, rooms, { after: undefined, upTo: position }),
      [],
      'nothing is known yet',
    )
    await next.load()
    next.states.announce(ALICE, rooms, position + 1)
    t.true(next.states.news(ALICE, rooms, { after: position, upTo: position + 1 }).includes(BOB))
  },
)

testDatabases(test, 'whom nobody here knows is looked up at once with all others', async (t, plain) => {
  const { database, during } = countedReads(plain)
  const { a } = await setting(t, database)
  const strangers = Array.from({ length: 500 }, (_, index) => `@stranger${index}:b.test`)
  const push = [...strangers, BOB].map(user_id => ({ user_id, presence: 'unavailable' }))
  const { presence } = a.ephemeral.services
  const reads = await during(() => presence.receive('b.test', { push }))
  t.true(reads < 10, `${reads} reads`)
  t.is(presence.states.get(BOB)?.presence, 'unavailable')
  t.is(presence.states.get(strangers[0] ?? ''), undefined)
})
