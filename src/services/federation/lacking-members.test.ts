import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  BOB,
  byDave,
  completed,
  DAVE,
  headOf,
  joinPartially,
  scene,
  stateBeforeIds,
  stateIsShut,
} from '../../test-kit/partial-join.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import { loadHead } from '../rooms/room-head.ts'

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

test('while members are lacking, an event waits for what lies before it as long as nobody can be heard', async t => {
  const s = await scene(t)
  await joinPartially(s)
  await say(s.big, ALICE, s.roomId, 'first')
  const second = await say(s.big, ALICE, s.roomId, 'second')
  let asked = 0
  s.world.intercept = request => {
    if (!request.path.includes('/get_missing_events/')) return stateIsShut(request)
    asked += 1
    return 'unreachable'
  }
  await s.world.send(s.big, s.here, [second])
  t.true(asked > 0)
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  s.world.intercept = stateIsShut
  // What fills the gap is stored first, in a commit of its own.
  await eventually('it is tried again', async () => {
    await s.here.clock.advance(5_000)
    return (await messagesOf(s.here, s.roomId)).length > 1
  })
  t.deepEqual(await messagesOf(s.here, s.roomId), ['first', 'second'])
})

test('the state before what is said on a branch older than the join is asked for once the members are known', async t => {
  const s = await scene(t)
  const membership = await stateAt(s.big, s.roomId, 'm.room.member', DAVE)
  if (membership === undefined) return t.fail('the scene is not set')
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.topic', content: { topic: 'later' } })
  await joinPartially(s)
  const content = { msgtype: 'm.text', body: 'from before' }
  const said = await byDave(s, membership, { type: 'm.room.message', content, membership })
  for (const server of [s.big, s.here]) await s.world.send(s.third, server, [said])
  t.deepEqual(await messagesOf(s.here, s.roomId), ['from before'])
  s.open()
  await completed(s)
  const state = await stateBeforeIds(s.here, s.roomId, said)
  t.deepEqual(state, await stateBeforeIds(s.big, s.roomId, said))
  const topic = await stateAt(s.here, s.roomId, 'm.room.topic')
  t.is(topic?.content['topic'], 'later')
  t.false(state.includes(topic?.eventId ?? ''))
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

const BACKWARDS = { direction: 'b', filter: roomEventFilter(undefined) } as const

test('whoever needs all members waits: clients and other servers', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const bob = requesterOf(BOB)
  const { roomReading, roomHistory } = s.here.rooms
  const page = await roomHistory.messages(bob, s.roomId, BACKWARDS)
  t.is(page.chunk.length, 1, 'what is here is shown at once: the join')
  t.is(
    await roomReading
      .stateEvent(bob, { roomId: s.roomId, type: 'm.room.name', stateKey: '', format: 'content' })
      .then(one => one['name']),
    'Big',
  )
  let waiting = 4
  const done = <T>(answer: T): T => {
    waiting -= 1
    return answer
  }
  const asked = [
    roomReading.members(bob, s.roomId, {}).then(textsOf).then(done),
    roomReading.joinedMembers(bob, s.roomId).then(cards => done(Object.keys(cards))),
    roomReading.state(bob, s.roomId).then(done),
    roomHistory.messages(bob, s.roomId, { ...BACKWARDS, from: page.end }).then(({ chunk }) => done(chunk)),
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
  t.is(waiting, 4, 'clients wait longer')
  s.open()
  await completed(s, 100)
  const [members, cards, state, older] = await Promise.all(asked)
  t.is(members?.length, 11)
  t.is(cards?.length, 11)
  t.true((state?.length ?? 0) > 11)
  t.true((older?.length ?? 0) > 0)
})

const textsOf = async (slices: AsyncIterable<string[]>): Promise<string[]> => {
  const texts: string[] = []
  for await (const slice of slices) texts.push(...slice)
  return texts
}

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

test('by sliding sync, who wants all members waits for the room, and others are told of them when it is complete', async t => {
  const database = await testDatabase(t)
  const s = await scene(t, database)
  const sync = testSync(s.here, database)
  t.teardown(() => sync.close())
  const sliding = testSlidingSync(s.here, sync.streams, database)
  interface Told {
    readonly initial?: boolean
    readonly joined_count?: number
    readonly required_state: readonly { readonly type: string }[]
  }
  const positions = new Map<string, string>()
  /** One look of a client that wants this state beside the name. */
  const look = async (stateKey: string): Promise<Told | undefined> => {
    const required_state = [
      ['m.room.name', ''],
      ['m.room.member', stateKey],
    ]
    const body = {
      conn_id: stateKey,
      lists: { all: { ranges: [[0, 9]], required_state, timeline_limit: 1 } },
    }
    const asked = { body, pos: positions.get(stateKey), timeoutMs: 0 }
    const answer = JSON.parse(await sliding.simplified(requesterOf(BOB), asked, new AbortController().signal))
    positions.set(stateKey, answer.pos)
    return answer.rooms[s.roomId]
  }
  await joinPartially(s)
  t.like(await look('$LAZY'), { initial: true, joined_count: 1 })
  t.is(await look('*'), undefined)
  s.open()
  await completed(s)
  // What has been committed is told once the sync streams have followed it.
  const news = async (stateKey: string): Promise<Told | undefined> => {
    let told: Told | undefined
    await eventually('the room is news', async () => {
      told = await look(stateKey)
      return told !== undefined
    })
    return told
  }
  t.like(await news('$LAZY'), { joined_count: 11 })
  const whole = await news('*')
  t.like(whole, { initial: true, joined_count: 11 })
  t.is(whole?.required_state.filter(({ type }) => type === 'm.room.member').length, 11)
})
