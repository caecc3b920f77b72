import test from 'ava'
import { roomEventFilter } from '../../core/filter.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { say, stateAt } from '../../test-kit/federation-world.ts'
import { BOB, completed, DAVE, joinPartially, scene } from '../../test-kit/partial-join.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'

const BACKWARDS = { direction: 'b', filter: roomEventFilter(undefined) } as const

test('whoever needs all members waits: clients and other servers', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const bob = requesterOf(BOB)
  const { roomReading, roomHistory } = s.here.rooms
  let begun = 0
  const { partial } = s.here.core.context
  const complete: typeof partial.complete = partial.complete.bind(partial)
  partial.complete = (...room) => {
    begun += 1
    return complete(...room)
  }
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
  const before = begun
  const asked = [
    roomReading.members(bob, s.roomId, {}).then(textsOf).then(done),
    roomReading.joinedMembers(bob, s.roomId).then(textsOf).then(done),
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
  // Before time goes on: clients' might be over while a server's request is still on its way.
  await eventually('all wait', () => begun - before === 6)
  let told = 0
  for (const refusal of [late, unable]) void refusal.then(() => (told += 1))
  for (let second = 0; second < 10; second++) await s.here.clock.advance(1_000)
  await eventually('other servers are told to ask others', () => told === 2)
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
