import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import type { Database } from '../../storage/database.ts'
import { StateViews } from '../../storage/rooms/state-views.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, idsOf } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import type { ShownRoom } from '../../test-kit/people.ts'
import { userId } from '../../test-kit/room-lines.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { contents, types } from '../../test-kit/shown.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import type { SyncQuery } from './sync.ts'

const ME = requesterOf('@me:here.test')

/** A room of others with this history visibility, which `@me:here.test` comes into by the event `ME`. */
const roomShowing = (visibility: string): PeerRoom =>
  new PeerRoom('11', [
    'CREATE: alice create',
    'JA: alice join',
    'PL: alice power alice=100 bob=50',
    'JR: alice rule public',
    `HV: alice state m.room.history_visibility "" {"history_visibility":"${visibility}"}`,
    'JB: bob join',
    'ME: me@here.test join',
  ])

const follow = (server: Guest, database: Database, roomId: string) => {
  const { ask } = testSync(server, database)
  let since: string | undefined
  return async (stateAfter: SyncQuery['stateAfter'] = false): Promise<ShownRoom | undefined> => {
    const answer = await ask(ME.userId, { since, stateAfter })
    since = answer.next_batch
    return answer.rooms?.join?.[roomId]
  }
}

for (const visibility of ['joined', 'shared']) {
  testDatabases(
    test,
    `in a ${visibility} room, an event from before one came in counts as that when it is late`,
    async (t, database) => {
      const peers = roomShowing(visibility)
      peers.add('LATE: bob say secret < JB', 'NOW: bob say hello < ME')
      const server = await guest(database, peers)
      const sync = follow(server, database, peers.roomId)
      await sync()
      const stateBefore = idsOf(peers, 'CREATE', 'JA', 'PL', 'JR', 'HV', 'JB')
      t.is((await server.receive('LATE', { stateBefore })).outcome, 'accepted')
      await server.receive('NOW')
      const told = (await sync())?.timeline.events ?? []
      const shared = visibility === 'shared'
      t.deepEqual(contents(told), shared ? [{ body: 'secret' }, { body: 'hello' }] : [{ body: 'hello' }])
      const memberships = told.map(event => event.unsigned?.['membership'])
      t.deepEqual(memberships, shared ? ['leave', 'join'] : ['join'])
      const page = await server.rooms.roomHistory.messages(ME, peers.roomId, {
        direction: 'b',
        limit: 2,
        filter: roomEventFilter({ types: ['m.room.message'] }),
      })
      t.is(page.chunk.length, shared ? 2 : 1)
      const late = server.rooms.roomReading.event(ME, peers.roomId, peers.event('LATE').eventId)
      if (shared) await t.notThrowsAsync(late)
      else await t.throwsAsync(late, { message: /may not see/ })
    },
  )
}

testDatabases(test, 'state that does not take effect misleads no client', async (t, database) => {
  const peers = roomShowing('shared')
  peers.add(
    'T: alice topic old < ME',
    'WINS: alice topic new < T @9000000000000',
    'LOSES: bob topic lost < T @8000000000000',
  )
  const server = await guest(database, peers)
  for (const name of ['T', 'WINS']) await server.receive(name)
  const before = follow(server, database, peers.roomId)
  const after = follow(server, database, peers.roomId)
  await before()
  await after('state_after')
  await server.receive('LOSES')
  t.is(await server.current('m.room.topic'), 'WINS')
  const told = await before()
  t.deepEqual([told?.timeline.events, told?.state?.events], [[], []])
  t.true(told?.timeline.limited, 'it is left to /messages, where it changes nothing')
  const page = await server.rooms.roomHistory.messages(ME, peers.roomId, {
    direction: 'b',
    from: told?.timeline.prev_batch,
    limit: 1,
    filter: roomEventFilter({}),
  })
  t.deepEqual(
    page.chunk.map(text => JSON.parse(text).content),
    [{ topic: 'lost' }],
  )
  const exact = await after('state_after')
  t.deepEqual(contents(exact?.timeline.events), [{ topic: 'lost' }])
  t.deepEqual(exact?.state_after?.events, [])
})

testDatabases(test, 'state that changes without an event of its own is told', async (t, database) => {
  const peers = roomShowing('shared')
  peers.add('T: alice topic old < ME', 'B: bob topic new < T', 'DOWN: alice power alice=100 < T')
  const server = await guest(database, peers)
  const sync = follow(server, database, peers.roomId)
  for (const name of ['T', 'B']) await server.receive(name)
  await sync()
  await server.receive('DOWN')
  t.is(await server.current('m.room.topic'), 'T', 'Bob never had the power')
  const told = await sync()
  t.deepEqual(types(told?.timeline.events), ['m.room.power_levels'])
  t.deepEqual(contents(told?.state?.events), [{ topic: 'old' }])
})

testDatabases(
  test,
  'what is not set any more is told as far as there are words for it',
  async (t, database) => {
    const peers = roomShowing('shared')
    peers.add(
      'T: bob topic lost < ME',
      'CAROL: bob invite carol < T',
      'DOWN: alice power alice=100 invite=50 < ME',
    )
    const server = await guest(database, peers)
    const { ask, streams } = testSync(server, database)
    const sliding = testSlidingSync(server, streams, database)
    const slide = async (pos?: string) => {
      const body = { lists: { all: { timeline_limit: 5, required_state: [['*', '*']] } } }
      const { signal } = new AbortController()
      return JSON.parse(await sliding.simplified(ME, { body, pos, timeoutMs: 0 }, signal))
    }
    for (const name of ['T', 'CAROL']) await server.receive(name)
    const { next_batch: since } = await ask(ME.userId)
    const { pos } = await slide()
    const position = database.position('events')
    await server.receive('DOWN')
    t.is(await server.current('m.room.topic'), undefined, 'Bob never had the power')
    const told = (await ask(ME.userId, { since })).rooms?.join?.[peers.roomId]
    t.is(told?.summary?.['m.invited_member_count'], 0, 'his invitation has ended with it')
    const room = (await slide(pos)).rooms[peers.roomId]
    t.is(room.invited_count, 0)
    const stubs = room.required_state.filter((event: object) => !('content' in event))
    const ended = [
      `{"type":"m.room.member","state_key":"${userId('carol')}"}`,
      '{"type":"m.room.topic","state_key":""}',
    ]
    t.deepEqual(stubs.map((stub: object) => JSON.stringify(stub)).sort(), ended)
    const nid = (await server.core.writer.head(peers.roomId))?.room.nid ?? 0
    const read = await new StateViews(database).ended(nid, position, database.position('events'))
    const places = read.map(({ type, stateKey }) => JSON.stringify({ type, state_key: stateKey }))
    t.deepEqual(places.sort(), ended, 'also where memory does not reach back so far')
  },
)

testDatabases(
  test,
  'whoever loses their membership in a conflict of branches is told that they are out',
  async (t, database) => {
    const peers = roomShowing('shared')
    peers.add('YOU: you@here.test join < ME', 'SAID: bob say hello < YOU', 'SHUT: alice rule invite < ME')
    const server = await guest(database, peers)
    const { ask } = testSync(server, database)
    for (const name of ['YOU', 'SAID']) await server.receive(name)
    const you = requesterOf('@you:here.test')
    const before = await ask(you.userId)
    t.deepEqual(Object.keys(before.rooms?.join ?? {}), [peers.roomId])
    await server.receive('SHUT')
    t.is(await server.current('m.room.member', you.userId), undefined, 'they came in where nobody may')
    const after = await ask(you.userId, { since: before.next_batch })
    t.deepEqual(Object.keys(after.rooms?.join ?? {}), [])
    t.deepEqual(Object.keys(after.rooms?.leave ?? {}), [peers.roomId])
    const again = await ask(you.userId, { since: after.next_batch })
    t.is(again.rooms?.leave, undefined)
    const page = await server.rooms.roomHistory.messages(you, peers.roomId, {
      direction: 'b',
      limit: 1,
      filter: roomEventFilter({}),
    })
    t.is(page.chunk.length, 1, 'what they have seen there stays theirs')
  },
)

testDatabases(
  test,
  'whoever was not in the room on a branch is not told what was said there because others are',
  async (t, database) => {
    const peers = roomShowing('joined')
    peers.add('ZED: zed@here.test join < ME', 'SAID: bob say secret < ME', 'NOW: bob say hello < ZED')
    const server = await guest(database, peers)
    await server.receive('ZED')
    const { ask } = testSync(server, database)
    const people = [ME.userId, '@zed:here.test'] as const
    const tokens = new Map<string, string>()
    for (const one of people) tokens.set(one, (await ask(one)).next_batch)
    for (const name of ['SAID', 'NOW']) t.is((await server.receive(name)).outcome, 'accepted')
    const told = async (one: string) =>
      (await ask(one, { since: tokens.get(one) })).rooms?.join?.[peers.roomId]?.timeline.events ?? []
    const [mine, zeds] = [await told(people[0]), await told(people[1])]
    t.deepEqual(contents(mine), [{ body: 'secret' }, { body: 'hello' }])
    t.deepEqual(contents(zeds), [{ body: 'hello' }])
  },
)
