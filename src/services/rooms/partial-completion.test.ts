import test, { type ExecutionContext } from 'ava'
import type { StateMap } from '../../core/event/event.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { type Guest, guest, idsOf } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { SeededRandom } from '../../test-kit/seeded-random.ts'
import { storeOutliers } from './outliers.ts'
import { type CompletionOptions, completeRoom } from './partial-completion.ts'
import { loadHead } from './room-head.ts'
import { stateBefore } from './state-at.ts'

/** Before anybody of `here` came, Dave was banned, Erin left and Frank was invited. */
const BEFORE = [
  'CREATE: alice create',
  'JA: alice join',
  'PL: alice power alice=100 bob=50 dave=50',
  'JR: alice rule public',
  'JB: bob join',
  'JC: carol join',
  'JD: dave join',
  'JE: erin join',
  'BD: alice ban dave',
  'LE: erin leave',
  'IF: bob invite frank',
  'ME: me@here.test join',
]

const partialGuest = async (t: ExecutionContext, peers: PeerRoom, database = testDatabase(t)) =>
  guest(await database, peers, { omitMembers: true })

/**
 * Receives an event, storing before whatever authorises it as a peer would give it; where it lies beyond what is here, on the state
 * before it, if all members are known.
 */
const receive = async (server: Guest, peers: PeerRoom, name: string) => {
  const received = await server.receive(name)
  if (received.outcome !== 'missing') return received
  await storeOutliers(server.core.writer, peers.roomId, peers.authChainOf(name))
  if (received.prevEvents.length === 0) return server.receive(name)
  const isPartial = (await server.core.writer.head(peers.roomId))?.partial !== undefined
  return server.receive(
    name,
    isPartial ? { onCurrentState: true } : { stateBefore: await tellState(server, peers, name) },
  )
}

/** Stores the state before an event; answers its IDs. */
const tellState = async (server: Guest, peers: PeerRoom, name: string): Promise<string[]> => {
  const state = peers.stateBefore(name)
  await storeOutliers(server.core.writer, peers.roomId, [...peers.authChainOf(name), ...state])
  return state.map(event => event.eventId)
}

const complete = async (
  server: Guest,
  peers: PeerRoom,
  options: CompletionOptions = {},
): Promise<boolean> => {
  const { writer } = server.core
  await storeOutliers(writer, peers.roomId, [...peers.authChainOf('ME'), ...peers.stateBefore('ME')])
  const stateIds = peers.stateBefore('ME').map(event => event.eventId)
  return completeRoom(writer, { roomId: peers.roomId, joinEventId: peers.event('ME').eventId }, stateIds, {
    askState: async event => tellState(server, peers, peers.nameOf(event.eventId) ?? ''),
    ...options,
  })
}

const named = (peers: PeerRoom, state: StateMap | undefined) =>
  Object.fromEntries([...(state ?? [])].map(([key, id]) => [key, peers.nameOf(id)]).sort())

/** What is stored of an event, and the state before it. */
const conclusions = async ({ core }: Guest, peers: PeerRoom, names: readonly string[]) => {
  const found: Record<string, unknown> = {}
  for (const name of names) {
    const stored = await core.context.read.events.byId(peers.event(name).eventId)
    if (stored === undefined) continue
    const before = await stateBefore(core.context.read, stored)
    const points = [...before].map(([key, { eventId }]) => [key, peers.nameOf(eventId)] as const).sort()
    found[name] = { isRejected: stored.rejected !== undefined, before: Object.fromEntries(points) }
  }
  return found
}

testDatabases(test, 'members are filled in where the join stands', async (t, database) => {
  const peers = new PeerRoom('11', BEFORE)
  const here = await partialGuest(t, peers, Promise.resolve(database))
  const head = await here.core.writer.head(peers.roomId)
  t.is(head?.joinedMembers, 1)
  t.is((await receive(here, peers, 'ME')).outcome, 'duplicate')
  peers.add('X1: carol say hello', 'X2: carol leave', 'X3: bob topic tea')
  for (const name of ['X1', 'X2', 'X3']) t.is((await receive(here, peers, name)).outcome, 'accepted', name)
  t.is(await here.current('m.room.member', '@bob:bob.test'), 'JB', 'who speaks is known by it')
  t.is(await here.current('m.room.member', '@erin:erin.test'), undefined)
  t.true(await complete(here, peers))
  t.false(await complete(here, peers), 'once')
  const loaded = await loadHead(here.core.context.read, peers.roomId, 'here.test')
  t.is(loaded?.partial, undefined)
  t.deepEqual(named(peers, loaded?.stateMap()), named(peers, head?.stateMap()), 'memory and database agree')
  t.is(await here.current('m.room.member', '@erin:erin.test'), 'LE')
  t.is(await here.current('m.room.member', '@carol:carol.test'), 'X2', 'what came later stays')
  t.is(loaded?.memberships.get('@frank:frank.test'), 'invite')
  t.is(loaded?.memberships.get('@carol:carol.test'), 'leave')
  const join = await here.core.context.read.events.byId(peers.event('ME').eventId)
  const before = join && (await stateBefore(here.core.context.read, join))
  t.deepEqual(
    [...(before?.values() ?? [])].map(({ eventId }) => eventId).sort(),
    peers
      .stateBefore('ME')
      .map(({ eventId }) => eventId)
      .sort(),
  )
})

test('what was lacking of the state is told when the room is complete, also when an attempt has ended just before', async t => {
  const peers = new PeerRoom('11', [...BEFORE.slice(0, -1), 'TP: alice topic tea', 'ME: me@here.test join'])
  const here = await guest(await testDatabase(t), peers, { omitMembers: true, lacking: ['TP'] })
  const crash = { statements: () => Promise.reject(new Error('the process has ended')) }
  await t.throwsAsync(complete(here, peers, crash), { message: 'the process has ended' })
  const { context } = here.core
  const before = context.db.position('events')
  t.true(await complete(here, peers))
  t.is(await here.current('m.room.topic'), 'TP')
  const room = await context.read.rooms.byId(peers.roomId)
  const topic = await context.read.state.history(room?.nid ?? 0, 'm.room.topic', '')
  t.true((topic.at(-1)?.from ?? 0) > before, 'a change for whoever was told of the state before')
})

test('hearsay that turns out to be wrong is put right', async t => {
  const peers = new PeerRoom('11', BEFORE)
  // Dave and Erin speak by memberships that they had once.
  peers.add(
    '!SD: dave topic mine < ME | CREATE PL JD',
    '!SE: erin say boo < SD | CREATE PL JE',
    'OK: bob say fine < SE',
  )
  const here = await partialGuest(t, peers)
  for (const name of ['SD', 'SE', 'OK']) t.is((await receive(here, peers, name)).outcome, 'accepted', name)
  t.is(await here.current('m.room.topic'), 'SD')
  t.true(await complete(here, peers))
  t.is(await here.current('m.room.topic'), undefined)
  t.is(await here.current('m.room.member', '@dave:dave.test'), 'BD')
  t.is(await here.current('m.room.member', '@erin:erin.test'), 'LE')
  t.deepEqual(await here.ends(), ['OK'])
  const { isRejected } = (await conclusions(here, peers, ['SE']))['SE'] as { isRejected: boolean }
  t.true(isRejected)
})

test('a refused end gives its place to what it followed', async t => {
  const peers = new PeerRoom('11', BEFORE)
  peers.add('A: bob say a', '!SD: dave say spam < A | CREATE PL JD', '!SE: dave say more < SD | CREATE PL JD')
  const here = await partialGuest(t, peers)
  for (const name of ['A', 'SD', 'SE']) t.is((await receive(here, peers, name)).outcome, 'accepted', name)
  t.deepEqual(await here.ends(), ['SE'])
  t.true(await complete(here, peers))
  t.deepEqual(await here.ends(), ['A'])
})

test('an event on a branch that is older than the join comes to stand on the state before it', async t => {
  // By the clocks of their servers, the first topic is newer than the second: where a branch still has it, it stays.
  const peers = new PeerRoom('11', [
    ...BEFORE.slice(0, -1),
    'T1: alice topic first @1767300000000',
    'T2: alice topic second @1767200000000',
    'ME: me@here.test join',
  ])
  peers.add('N: alice state m.room.name "" {"name":"x"} < T1', 'M: alice say both < ME N')
  const [whole, partly] = [await guest(await testDatabase(t), peers), await partialGuest(t, peers)]
  for (const server of [whole, partly])
    for (const name of ['N', 'M']) t.is((await receive(server, peers, name)).outcome, 'accepted', name)
  t.is(await whole.current('m.room.topic'), 'T1')
  t.is(await partly.current('m.room.topic'), 'T2', 'for now, the branch is taken to have what there is')
  t.true(await complete(partly, peers))
  t.is(await partly.current('m.room.topic'), 'T1')
  t.deepEqual(await conclusions(partly, peers, ['N', 'M']), await conclusions(whole, peers, ['N', 'M']))
})

test('what was overtaken by another join is left alone', async t => {
  const peers = new PeerRoom('11', BEFORE)
  const here = await partialGuest(t, peers)
  const task = { roomId: peers.roomId, joinEventId: '$another' }
  t.false(await completeRoom(here.core.writer, task, idsOf(peers, 'CREATE', 'JB')))
  t.truthy((await here.core.writer.head(peers.roomId))?.partial)
})

test('what came before what it refers to is judged after it', async t => {
  const peers = new PeerRoom('11', BEFORE)
  peers.add('A: alice topic tea', 'M: alice say more', 'B: bob leave', 'C: carol say hello')
  const here = await partialGuest(t, peers)
  for (const name of ['B', 'M', 'A', 'C']) t.is((await receive(here, peers, name)).outcome, 'accepted', name)
  t.true(await complete(here, peers))
  t.is(await here.current('m.room.member', '@bob:bob.test'), 'B')
  t.is(await here.current('m.room.topic'), 'A')
  const whole = await guest(await testDatabase(t), peers)
  const names = ['A', 'M', 'B', 'C']
  for (const name of names) await receive(whole, peers, name)
  t.deepEqual(await conclusions(here, peers, names), await conclusions(whole, peers, names))
})

const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
const ACTIONS = [
  'say x',
  'topic x',
  'join',
  'leave',
  'kick carol',
  'ban carol',
  'kick bob',
  'invite erin',
  'power alice=100 bob=60',
  'rule invite',
  'rule public',
  'ban dave',
]

/** A room with random events, and their names. */
const randomRoom = (seed: number): { peers: PeerRoom; names: string[] } => {
  const random = new SeededRandom(seed)
  const isOwned = seed % 4 === 3
  const peers = new PeerRoom(
    ['6', '10', '11', '12'][seed % 4] ?? '11',
    isOwned ? BEFORE.map(line => line.replace('alice=100 ', '')) : BEFORE,
  )
  const names: string[] = []
  for (let n = 0; n < 14; n++) {
    const recent = ['ME', ...names].slice(-4)
    const prev = new Set([
      recent[random.below(recent.length)],
      recent.at(-1 - random.below(Math.min(2, recent.length))),
    ])
    // Some build on what was before the join, alone or beside what came later.
    if (random.chance(0.15)) {
      if (random.chance(0.5)) prev.clear()
      prev.add(random.pick(['LE', 'BD', 'IF']))
    }
    const action = ACTIONS[random.below(ACTIONS.length)] ?? ''
    const powers = isOwned ? action.replace('alice=100 ', '') : action
    peers.add(`E${n}: ${USERS[random.below(USERS.length)]} ${powers} < ${[...prev].join(' ')}`)
    names.push(`E${n}`)
  }
  return { peers, names }
}

test('a room that was joined without members comes to the same as one that was joined with them', async t => {
  for (let seed = 1; seed <= 8; seed++) {
    const { peers, names } = randomRoom(seed)
    const whole = await guest(await testDatabase(t), peers)
    const partly = await partialGuest(t, peers)
    for (const name of names) {
      await receive(whole, peers, name)
      await receive(partly, peers, name)
    }
    t.true(await complete(partly, peers))
    t.deepEqual(
      await conclusions(partly, peers, names),
      await conclusions(whole, peers, names),
      `seed ${seed}`,
    )
    const states = []
    for (const server of [partly, whole]) {
      const head = await loadHead(server.core.context.read, peers.roomId, 'here.test')
      states.push({ state: named(peers, head?.stateMap()), ends: await server.ends() })
    }
    t.deepEqual(states[0], states[1], `seed ${seed}`)
  }
})

test('so does one that learns what happened in another order', async t => {
  for (const seed of [12, 13, 20, 21, 26, 27]) {
    const { peers, names } = randomRoom(seed)
    const whole = await guest(await testDatabase(t), peers)
    for (const name of names) await receive(whole, peers, name)
    const partly = await partialGuest(t, peers)
    const random = new SeededRandom(seed)
    const late = names.filter(() => random.chance(0.3))
    for (const name of [...names.filter(one => !late.includes(one)), ...late])
      await receive(partly, peers, name)
    t.true(await complete(partly, peers))
    t.deepEqual(
      await conclusions(partly, peers, names),
      await conclusions(whole, peers, names),
      `seed ${seed}`,
    )
  }
})
