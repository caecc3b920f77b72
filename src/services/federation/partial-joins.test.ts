import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { buildEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Database, DatabaseUnavailable } from '../../storage/database.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import {
  FederationWorld,
  type Interceptor,
  messagesOf,
  say,
  setState,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf } from '../../test-kit/rooms.ts'
import { loadHead } from '../rooms/room-head.ts'

const ALICE = '@alice:big.test'
const BOB = '@bob:here.test'
const CAROL = '@carol:here.test'
const EVE = '@eve:here.test'
const DAVE = '@dave:third.test'

interface Scene {
  readonly world: FederationWorld
  readonly big: WorldServer
  readonly third: WorldServer
  readonly here: WorldServer
  readonly roomId: string
  /** Requests for the room's state are answered with errors until this is called. */
  readonly open: () => void
}

const NOT_NOW = { status: 503, json: { errcode: 'M_UNKNOWN', error: 'not now' } }
const stateIsShut: Interceptor = ({ from, path }) =>
  from === 'here.test' && path.startsWith('/_matrix/federation/v1/state') ? NOT_NOW : undefined

/** Alice's room with Dave of a third server, and many others of hers; nobody of `here` is in it yet. */
const scene = async (t: ExecutionContext, database?: Database): Promise<Scene> => {
  const world = new FederationWorld(t)
  const big = await world.add('big.test')
  const third = await world.add('third.test')
  const here = await world.add('here.test', database === undefined ? {} : { database })
  const fields = { preset: 'public_chat', name: 'Big' } as const
  const roomId = await big.rooms.roomCreation.create(newRoom(big.rooms, ALICE, fields), { isDirect: false })
  for (let n = 0; n < 8; n++) await big.rooms.memberships.join({ userId: `@m${n}:big.test`, roomId })
  await third.rooms.memberships.join({ userId: DAVE, roomId, via: ['big.test'] })
  world.intercept = stateIsShut
  const open = () => {
    world.intercept = () => undefined
  }
  return { world, big, third, here, roomId, open }
}

const headOf = async ({ core }: WorldServer, roomId: string) => {
  const head = await core.writer.head(roomId)
  if (head === undefined) throw new Error('the room is not known')
  return head
}

/** Joins while nobody tells the members. */
const joinPartially = async ({ world, big, third, here, roomId }: Scene, userId = BOB): Promise<void> => {
  const joining = here.rooms.memberships.join({ userId, roomId, via: ['big.test'] })
  let joined = false
  void joining.then(() => {
    joined = true
  })
  while (!joined) await here.clock.advance(500)
  await joining
  // As big.test would by itself, if its sender ran.
  const join = await stateAt(big, roomId, 'm.room.member', userId)
  if (join !== undefined) await world.send(big, third, [join])
}

/** Time goes on until the room is complete. */
const completed = ({ here, roomId }: Scene, stepMs = 5_000): Promise<void> =>
  eventually('the room is complete', async () => {
    await here.clock.advance(stepMs)
    const room = await here.core.context.read.rooms.byId(roomId)
    return (await here.core.context.read.partial.open(room?.nid ?? 0)) === undefined
  })

const membersOf = async (server: WorldServer, roomId: string): Promise<string[]> => {
  const room = await server.core.context.read.rooms.byId(roomId)
  const rows = await server.core.context.read.memberships.inRoom(room?.nid ?? 0, ['join'])
  return rows.map(row => row.userId).sort()
}

/** The whole state before an event, as event IDs. */
const stateBeforeIds = async (server: WorldServer, roomId: string, event: RoomEvent): Promise<string[]> => {
  const asking = server.name === 'big.test' ? 'third.test' : 'big.test'
  const { pdu_ids } = await server.federation.history.stateIds(asking, roomId, event.eventId)
  return pdu_ids.toSorted()
}

testDatabases(test, 'a room is joined without its members, which follow', async (t, database) => {
  const s = await scene(t, database)
  await joinPartially(s)
  const head = await headOf(s.here, s.roomId)
  t.truthy(head.partial)
  t.is((await stateAt(s.here, s.roomId, 'm.room.name'))?.content['name'], 'Big')
  t.true(head.joinedMembers < 11, 'most are not known')
  t.deepEqual(head.joinedHosts().toSorted(), ['big.test', 'here.test', 'third.test'], 'but who is to be told')
  const said = await say(s.here, BOB, s.roomId, 'hello already')
  const heard = await say(s.third, DAVE, s.roomId, 'hello you')
  t.deepEqual(await s.world.send(s.third, s.here, [heard]), new Map())
  t.deepEqual(await messagesOf(s.here, s.roomId), ['hello already', 'hello you'])
  t.truthy(await stateAt(s.here, s.roomId, 'm.room.member', DAVE), 'who speaks is known by it')

  s.open()
  await completed(s)
  const everybody = [ALICE, BOB, DAVE, ...Array.from({ length: 8 }, (_, n) => `@m${n}:big.test`)].sort()
  t.deepEqual(await membersOf(s.here, s.roomId), everybody)
  t.is((await headOf(s.here, s.roomId)).joinedMembers, everybody.length)
  t.deepEqual(await s.world.send(s.here, s.big, [said]), new Map())
  t.deepEqual(await stateBeforeIds(s.here, s.roomId, said), await stateBeforeIds(s.big, s.roomId, said))
  const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  if (join === undefined) return t.fail('Bob is not in the room')
  t.deepEqual(await stateBeforeIds(s.here, s.roomId, join), await stateBeforeIds(s.big, s.roomId, join))
})

/** What Dave's server says in his name, whatever it knows of the room: after an event, by his former membership. */
const byDave = async (
  { big, third, roomId }: Scene,
  after: RoomEvent,
  {
    membership,
    ...template
  }: { type: string; stateKey?: string; content: JsonObject; membership: RoomEvent },
): Promise<RoomEvent> => {
  const powers = await stateAt(big, roomId, 'm.room.power_levels')
  return buildEvent(
    {
      ...{ version: after.version, roomId, sender: DAVE, ...template, originServerTs: third.clock.now() },
      ...{ prevEvents: [after.eventId], depth: after.depth + 1 },
      authEvents: [powers?.eventId ?? '', membership.eventId],
    },
    'third.test',
    third.core.signingKey,
  )
}

test('what somebody says who was banned before is heard until the members are known, and then forgotten', async t => {
  const s = await scene(t)
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.topic', content: { topic: 'fair' } })
  const powers = { users: { [DAVE]: 50 } }
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.power_levels', content: powers })
  const membership = await stateAt(s.big, s.roomId, 'm.room.member', DAVE)
  await s.big.rooms.memberships.ban({ sender: ALICE, userId: DAVE, roomId: s.roomId })
  // Nobody tells `here` of the ban: it lies in the members that are left out.
  await joinPartially(s)
  const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  if (join === undefined || membership === undefined) return t.fail('the scene is not set')
  const content = { msgtype: 'm.text', body: 'spam' }
  const spam = await byDave(s, join, { type: 'm.room.message', content, membership })
  const topic = { type: 'm.room.topic', stateKey: '', content: { topic: 'foul' } }
  const graffiti = await byDave(s, spam, { ...topic, membership })
  s.world.intercept = request => {
    const { to, path } = request
    if (to !== 'third.test' || !path.includes('/v1/event/')) return stateIsShut(request)
    return { status: 200, json: { pdus: [membership.pdu] } }
  }
  await s.world.send(s.third, s.here, [spam, graffiti])
  const answer = await say(s.here, BOB, s.roomId, 'who are you?')
  t.deepEqual(await messagesOf(s.here, s.roomId), ['spam', 'who are you?'])
  t.is((await stateAt(s.here, s.roomId, 'm.room.topic'))?.content['topic'], 'foul')

  s.open()
  await completed(s)
  t.deepEqual(await messagesOf(s.here, s.roomId), ['who are you?'])
  t.is((await stateAt(s.here, s.roomId, 'm.room.topic'))?.content['topic'], 'fair')
  const head = await headOf(s.here, s.roomId)
  t.is(head.memberships.get(DAVE), 'ban')
  const { events } = s.here.core.context.read
  t.truthy((await events.byId(spam.eventId))?.rejected)
  t.truthy((await events.byId(graffiti.eventId))?.rejected)
  t.deepEqual(
    head.extremities.map(end => end.eventId),
    [answer.eventId],
  )
  // Whoever holds all of it against the database finds the same.
  const loaded = await loadHead(s.here.core.context.read, s.roomId, 'here.test')
  const sorted = (map: ReadonlyMap<string, string> = new Map()) => Object.fromEntries([...map].sort())
  t.deepEqual(sorted(loaded?.stateMap()), sorted(head.stateMap()))
  t.deepEqual(sorted(loaded?.memberships), sorted(head.memberships))
})

test('a known ban keeps its effect while members are lacking', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const ban = await setState(s.big, ALICE, s.roomId, {
    ...{ type: 'm.room.member', stateKey: DAVE, content: { membership: 'ban' } },
  })
  await s.world.send(s.big, s.here, [ban])
  const spam = await say(s.third, DAVE, s.roomId, 'spam')
  await s.world.send(s.third, s.here, [spam])
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  s.open()
  await completed(s)
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  t.is((await headOf(s.here, s.roomId)).memberships.get(DAVE), 'ban')
})

test('where the server that let us in is gone, another one tells the members', async t => {
  const s = await scene(t)
  await joinPartially(s)
  s.world.intercept = ({ to }) => (to === 'big.test' ? 'unreachable' : undefined)
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
  t.true(
    s.world.requests.some(
      request => request.startsWith('here.test > third.test GET') && request.includes('/state_ids/'),
    ),
  )
})

test('a server that announces more than it gives, or another room, is passed over', async t => {
  const s = await scene(t)
  await joinPartially(s)
  s.world.intercept = ({ to, path }) => {
    if (to !== 'big.test' || !path.includes('/federation/v1/state_ids/')) return undefined
    return { status: 200, json: { pdu_ids: ['$another:room'], auth_chain_ids: [] } }
  }
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
})

testDatabases(test, 'a restart goes on with what is lacking', async (t, database) => {
  const s = await scene(t, database)
  await joinPartially(s)
  await s.here.federation.close()
  s.open()
  const again = await s.world.add('here.test', { database, clock: s.here.clock })
  t.truthy((await headOf(again, s.roomId)).partial)
  again.federation.start()
  await completed({ ...s, here: again })
  t.is((await headOf(again, s.roomId)).memberships.get('@m7:big.test'), 'join')
})

test('a second user joins through those who know whether they may', async t => {
  const s = await scene(t)
  await s.big.rooms.memberships.ban({ sender: ALICE, userId: EVE, roomId: s.roomId })
  await joinPartially(s)
  await joinPartially(s, CAROL)
  t.is((await headOf(s.here, s.roomId)).memberships.get(CAROL), 'join')
  t.truthy((await headOf(s.here, s.roomId)).partial)
  await t.throwsAsync(s.here.rooms.memberships.join({ userId: EVE, roomId: s.roomId }), { message: /./ })
  t.not((await headOf(s.here, s.roomId)).memberships.get(EVE), 'join')
  s.open()
  await completed(s)
  const head = await headOf(s.here, s.roomId)
  t.is(head.memberships.get(CAROL), 'join')
  t.is(head.memberships.get(EVE), 'ban')
})

test('leaving while members are lacking ends the search; coming back begins it anew', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const [first] = await s.here.core.context.read.partial.allOpen()
  await s.here.rooms.memberships.leave({ userId: BOB, roomId: s.roomId })
  await eventually('nobody searches', async () => {
    await s.here.clock.advance(60_000)
    return (await s.here.core.context.read.partial.allOpen()).length === 0
  })
  const left = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  if (left !== undefined) await s.world.send(s.here, s.big, [left])
  await joinPartially(s)
  const [second] = await s.here.core.context.read.partial.allOpen()
  t.not(second?.joinEventId, first?.joinEventId)
  s.open()
  await completed(s)
  t.is((await headOf(s.here, s.roomId)).memberships.get('@m7:big.test'), 'join')
})

test('whoever needs all members waits: clients and other servers', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const bob = requesterOf(BOB)
  const { roomReading } = s.here.rooms
  t.is(
    await roomReading
      .stateEvent(bob, { roomId: s.roomId, type: 'm.room.name', stateKey: '', format: 'content' })
      .then(one => one['name']),
    'Big',
  )
  let waiting = 3
  const done = <T>(answer: T): T => {
    waiting -= 1
    return answer
  }
  const asked = [
    roomReading.members(bob, s.roomId, {}).then(done),
    roomReading.joinedMembers(bob, s.roomId).then(cards => done(Object.keys(cards))),
    roomReading.state(bob, s.roomId).then(done),
  ]
  const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  const refused = s.third.client.getStateIds('here.test', { roomId: s.roomId, eventId: join?.eventId ?? '' })
  const late = t.throwsAsync(refused)
  const template = s.third.client.makeJoin('here.test', {
    roomId: s.roomId,
    userId: '@new:third.test',
    versions: ['12'],
  })
  const unable = t.throwsAsync(template)
  let told = 0
  for (const refusal of [late, unable]) void refusal.then(() => (told += 1))
  await eventually('other servers are told to ask others', async () => {
    if (told < 2) await s.here.clock.advance(1_000)
    return told === 2
  })
  t.like(await late, { errcode: 'M_UNABLE_DUE_TO_PARTIAL_STATE' })
  t.like(await unable, { errcode: 'M_UNABLE_DUE_TO_PARTIAL_STATE', status: 404 })
  t.is(waiting, 3, 'clients wait longer')
  s.open()
  await completed(s, 100)
  const [members, cards, state] = await Promise.all(asked)
  t.is(members?.length, 11)
  t.is(cards?.length, 11)
  t.true((state?.length ?? 0) > 11)
})

test('clients that load members lazily see the room at once, others when it is complete', async t => {
  const database = await testDatabase(t)
  const s = await scene(t, database)
  const sync = testSync(s.here, database)
  t.teardown(() => sync.close())
  const lazily = { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }
  const before = await sync.ask(BOB)
  await joinPartially(s)
  const lazy = await sync.ask(BOB, lazily)
  const room = lazy.rooms?.join?.[s.roomId]
  t.true(room?.state?.events.some(({ type }) => type === 'm.room.name'))
  const eager = await sync.ask(BOB, { since: before.next_batch })
  t.is(eager.rooms?.join?.[s.roomId], undefined)
  t.is((await sync.ask(BOB)).rooms?.join?.[s.roomId], undefined)
  const heard = await say(s.third, DAVE, s.roomId, 'hello')
  await s.world.send(s.third, s.here, [heard])
  const news = (await sync.ask(BOB, { ...lazily, since: lazy.next_batch })).rooms?.join?.[s.roomId]
  t.deepEqual(
    news?.timeline?.events.map(({ sender }) => sender),
    [DAVE],
  )
  t.deepEqual(
    news?.state?.events.map(event => event.state_key),
    [DAVE],
    'who speaks is introduced',
  )

  const since = (await sync.ask(BOB, { since: eager.next_batch })).next_batch
  const lazySince = (await sync.ask(BOB, { ...lazily, since: lazy.next_batch })).next_batch
  s.open()
  await completed(s)
  // What has been committed is told once the sync streams have followed it.
  const told = async (query: object) => (await sync.ask(BOB, query)).rooms?.join?.[s.roomId]
  await eventually('the room is news', async () => (await told({ since })) !== undefined)
  const whole = await told({ since })
  const shown = [...(whole?.state?.events ?? []), ...(whole?.timeline?.events ?? [])]
  t.is(new Set(shown.filter(({ type }) => type === 'm.room.member').map(event => event.state_key)).size, 11)
  t.true(shown.some(({ type }) => type === 'm.room.name'))
  const complete = await told({ ...lazily, since: lazySince })
  t.is(complete?.summary?.['m.joined_member_count'], 11)
  t.deepEqual(complete?.state?.events, [], 'nobody is told of members that nobody asked for')
})

for (const omits of [true, false]) {
  const what = omits ? 'without members' : 'with all of them'
  test(`members whose server’s keys cannot be had at the join are there once they can (an answer ${what})`, async t => {
    const s = await scene(t)
    const { sendJoin } = s.here.client
    Object.assign(s.here.client, {
      sendJoin: (server: string, request: Parameters<typeof sendJoin>[1]) =>
        sendJoin(server, { ...request, omitMembers: omits }),
    })
    s.world.intercept = ({ from, to }) =>
      from === 'here.test' && to === 'third.test' ? 'unreachable' : undefined
    await joinPartially(s)
    t.false((await membersOf(s.here, s.roomId)).includes(DAVE))
    s.open()
    await completed(s)
    t.true((await membersOf(s.here, s.roomId)).includes(DAVE))
    const heard = await say(s.third, DAVE, s.roomId, 'here I am')
    await s.world.send(s.third, s.here, [heard])
    t.deepEqual(await messagesOf(s.here, s.roomId), ['here I am'])
  })
}

test('an answer with more members than fit into one commit is stored piece by piece', async t => {
  t.timeout(120_000)
  const world = new FederationWorld(t)
  const big = await world.add('big.test')
  const here = await world.add('here.test')
  const fields = newRoom(big.rooms, ALICE, { preset: 'public_chat', name: 'Big' })
  const roomId = await big.rooms.roomCreation.create(fields, { isDirect: false })
  const content = { membership: 'join' }
  for (let n = 0; n < 1_100; n += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, k) => {
        const userId = `@m${n + k}:big.test`
        return big.core.sender.send(roomId, {
          type: 'm.room.member',
          sender: userId,
          stateKey: userId,
          content,
        })
      }),
    )
  }
  const { sendJoin } = here.client
  Object.assign(here.client, {
    sendJoin: (server: string, finished: Parameters<typeof sendJoin>[1]) =>
      sendJoin(server, { ...finished, omitMembers: false }),
  })
  let commits = 0
  const { commit } = here.database
  const largest = { rows: 0 }
  Object.assign(here.database, {
    commit: (set: Parameters<typeof commit>[0]) => {
      commits += 1
      const rows = set.statements.reduce((sum, statement) => sum + statement.rows.length, 0)
      largest.rows = Math.max(largest.rows, rows)
      return commit.call(here.database, set)
    },
  })
  await here.rooms.memberships.join({ userId: BOB, roomId, via: ['big.test'] })
  while ((await here.core.context.read.partial.allOpen()).length > 0) await setTimeout(5)
  t.is((await headOf(here, roomId)).joinedMembers, 1_102)
  t.true(commits > 8)
  t.true(largest.rows < 2_500, `${largest.rows} rows in one commit`)
  t.false(
    world.requests.some(request => request.includes('/v1/state')),
    'nothing was asked for again',
  )

  // A database that goes away half-way leaves no harm.
  const other = await world.add('other.test')
  const { commit: commitThere } = other.database
  let left = 6
  Object.assign(other.database, {
    commit: (set: Parameters<typeof commit>[0]) => {
      left -= 1
      return left === 0
        ? Promise.reject(new DatabaseUnavailable('gone'))
        : commitThere.call(other.database, set)
    },
  })
  const joining = other.rooms.memberships.join({ userId: '@olga:other.test', roomId, via: ['big.test'] })
  let isIn = false
  void joining.then(() => {
    isIn = true
  })
  // However long that takes on a busy machine.
  while (!isIn || (await other.core.context.read.partial.allOpen()).length > 0) {
    await other.clock.advance(100)
    await setTimeout(5)
  }
  t.true(left < 0)
  t.is((await headOf(other, roomId)).joinedMembers, 1_103)
})
