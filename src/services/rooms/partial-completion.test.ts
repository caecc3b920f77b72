import test from 'ava'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import type { Database } from '../../storage/database.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { guest, idsOf, peerRoom } from '../../test-kit/guest.ts'
import { BEFORE, complete, conclusions, named, partialGuest, receive } from '../../test-kit/partial-guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { loadHead } from './load-head.ts'
import { storeOutliers } from './outliers.ts'
import { completeRoom } from './partial-completion.ts'
import { stateBefore } from './state-at.ts'

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

const keyOf = ({ type, stateKey = '' }: RoomEvent) => stateMapKey(type, stateKey)

/** Carol and we have left; we are back without being told of members, and hear from a branch that is older than that. */
const back = async (database: Database) => {
  const peers = peerRoom('11')
  peers.add('A: bob say a', 'LC: carol leave', 'LM: me@here.test leave', 'YOU: you@here.test join')
  peers.add('N: bob say n < A', 'M: bob say m < YOU N')
  const here = await guest(database, peers)
  for (const name of ['A', 'LC', 'LM']) await receive(here, peers, name)
  await peers.import(here, 'YOU', { omitMembers: true })
  await receive(here, peers, 'N')
  const states = async () => {
    const { read } = here.core.context
    const now = (await here.core.writer.head(peers.roomId))?.stateMap()
    const loaded = (await loadHead(read, peers.roomId, 'here.test'))?.stateMap()
    return [now, loaded].map(state => named(peers, state))
  }
  return { peers, here, states }
}

testDatabases(
  test,
  'who had left is not a member by an older branch once all is known',
  async (t, database) => {
    const { peers, here, states } = await back(database)
    t.true(await complete(here, peers, { join: 'YOU' }))
    t.deepEqual(await here.ends(), ['N', 'YOU'])
    const expected = named(peers, new Map(peers.stateBefore('M').map(one => [keyOf(one), one.eventId])))
    t.deepEqual(await states(), [expected, expected])
    t.is((await receive(here, peers, 'M')).outcome, 'accepted')
    t.deepEqual(await states(), [expected, expected])
  },
)

testDatabases(test, 'who of us had left is not let in again meanwhile', async (t, database) => {
  const { peers, here } = await back(database)
  const { read } = here.core.context
  const room = await read.rooms.byId(peers.roomId)
  const joined = async () => (await read.memberships.inRoom(room?.nid ?? 0, ['join'])).map(row => row.userId)
  t.is(await here.current('m.room.member', '@me:here.test'), undefined)
  t.false((await joined()).includes('@me:here.test'))
  peers.add('US: us@here.test join < N')
  t.is((await receive(here, peers, 'US')).outcome, 'accepted')
  t.true((await joined()).includes('@us:here.test'), 'but who comes by an event of their own')
})

test('nor after a process that ended just before', async t => {
  const { peers, here, states } = await back(await testDatabase(t))
  await receive(here, peers, 'M')
  const crash = { join: 'YOU', statements: () => Promise.reject(new Error('the process has ended')) }
  await t.throwsAsync(complete(here, peers, crash), { message: 'the process has ended' })
  t.true(await complete(here, peers, { join: 'YOU' }))
  t.deepEqual(await here.ends(), ['M'])
  const expected = named(peers, new Map(peers.stateBefore('M').map(one => [keyOf(one), one.eventId])))
  t.deepEqual(await states(), [expected, expected])
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

testDatabases(
  test,
  'who was stored just now is filled in as known, but for those who count no more by then',
  async (t, database) => {
    const peers = new PeerRoom('11', BEFORE)
    const here = await partialGuest(t, peers, Promise.resolve(database))
    const { writer, context } = here.core
    const stored = await storeOutliers(writer, peers.roomId, [
      ...peers.authChainOf('ME'),
      ...peers.stateBefore('ME'),
    ])
    const learnt = new Map(stored.map(member => [member.eventId, member]))
    const nidOf = (name: string): number => learnt.get(peers.event(name).eventId)?.nid ?? 0
    t.true(['JB', 'JC', 'LE', 'BD', 'IF'].every(name => nidOf(name) > 0))
    const refuse = context.db.prepare("UPDATE events SET rejected = 'by now' WHERE event_nid = ?")
    await context.db.commit({ statements: [{ prepared: refuse, rows: [[nidOf('JC')]] }] })
    const task = { roomId: peers.roomId, joinEventId: peers.event('ME').eventId }
    const stateIds = peers.stateBefore('ME').map(event => event.eventId)
    t.true(await completeRoom(writer, task, stateIds, { learnt }))
    const loaded = await loadHead(context.read, peers.roomId, 'here.test')
    t.deepEqual(named(peers, loaded?.stateMap()), named(peers, (await writer.head(peers.roomId))?.stateMap()))
    t.is(loaded?.memberships.get('@carol:carol.test'), undefined)
    t.is(loaded?.memberships.get('@bob:bob.test'), 'join')
    t.is(loaded?.memberships.get('@dave:dave.test'), 'ban')
    t.is(loaded?.memberships.get('@frank:frank.test'), 'invite')
    t.is(await here.current('m.room.member', '@erin:erin.test'), 'LE')
  },
)

testDatabases(
  test,
  'a state that names events twice, or two of one point, holds one of them',
  async (t, database) => {
    const peers = new PeerRoom('11', [
      ...BEFORE.slice(0, -1),
      'T1: alice topic first',
      'T2: alice topic second',
      'ME: me@here.test join',
    ])
    const lacking = ['T1', 'T2']
    const here = await guest(database, peers, { omitMembers: true, lacking })
    const { writer, context } = here.core
    const state = [...peers.stateBefore('ME'), ...peers.events('T1', 'T2', 'JE', 'LE', 'JC')]
    const stored = await storeOutliers(writer, peers.roomId, [...peers.authChainOf('ME'), ...state])
    const learnt = new Map(stored.map(member => [member.eventId, member]))
    const task = { roomId: peers.roomId, joinEventId: peers.event('ME').eventId }
    const stateIds = state.map(event => event.eventId)
    t.true(await completeRoom(writer, task, stateIds, { learnt }))
    const loaded = await loadHead(context.read, peers.roomId, 'here.test')
    t.deepEqual(named(peers, loaded?.stateMap()), named(peers, (await writer.head(peers.roomId))?.stateMap()))
    t.is(await here.current('m.room.member', '@erin:erin.test'), 'LE')
    t.is(await here.current('m.room.member', '@carol:carol.test'), 'JC')
    t.true(lacking.includes((await here.current('m.room.topic')) ?? ''))
  },
)
