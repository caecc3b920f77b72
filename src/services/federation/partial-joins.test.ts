import test from 'ava'
import { DatabaseUnavailable } from '../../storage/database.ts'
import { OutboxReader } from '../../storage/federation/outbox-reader.ts'
import { testDatabases, testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { messagesOf, say, stateAt } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  answering,
  BOB,
  CAROL,
  completed,
  DAVE,
  EVE,
  headOf,
  joinPartially,
  membersOf,
  scene,
  stateBeforeIds,
  topicByDave,
} from '../../test-kit/partial-join.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { loadHead } from '../rooms/load-head.ts'

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

for (const [what, dies] of [
  ['of a process that dies another goes on with what is lacking', true],
  ['two processes that both go on with what is lacking come to the same', false],
] as const) {
  testPostgres(test, what, async (t, database) => {
    const s = await scene(t, database)
    const other = await s.world.add('here.test', { database, clock: s.here.clock })
    let asked = 0
    const { getStateIds } = other.client
    const counted: typeof getStateIds = (...args) => {
      asked += 1
      return getStateIds(...args)
    }
    Object.assign(other.client, { getStateIds: counted })
    other.federation.start()
    await joinPartially(s)
    if (dies) await s.here.kill()
    await eventually('the other one asks as well', async () => {
      await s.here.clock.advance(5_000)
      return asked > 0
    })
    s.open()
    await completed({ ...s, here: other })
    const expected = (await membersOf(s.big, s.roomId)).toSorted()
    for (const server of dies ? [other] : [other, s.here]) {
      await eventually('it knows all members', async () => {
        const loaded = await loadHead(server.core.context.read, s.roomId, 'here.test')
        return loaded?.partial === undefined
      })
      t.deepEqual((await membersOf(server, s.roomId)).toSorted(), expected)
    }
  })
}

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

for (const omits of [true, false]) {
  const what = omits ? 'without members' : 'with all of them'
  test(`what a server’s keys are lacking for at the join is there once they can be had (an answer ${what})`, async t => {
    const s = await scene(t)
    await topicByDave(s)
    await answering(s, answer => answer, omits)
    s.world.intercept = ({ from, to, path }) =>
      from === 'here.test' && (to === 'third.test' || path === '/_matrix/key/v2/query')
        ? 'unreachable'
        : undefined
    const sync = testSync(s.here, s.here.database)
    t.teardown(() => sync.close())
    const lazily = { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }
    await joinPartially(s)
    const told = await sync.ask(BOB, lazily)
    t.false((await membersOf(s.here, s.roomId)).includes(DAVE))
    t.is(await stateAt(s.here, s.roomId, 'm.room.topic'), undefined)
    s.open()
    await completed(s)
    t.true((await membersOf(s.here, s.roomId)).includes(DAVE))
    const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
    if (join === undefined) return t.fail('Bob is not in the room')
    t.deepEqual(await stateBeforeIds(s.here, s.roomId, join), await stateBeforeIds(s.big, s.roomId, join))
    const head = await loadHead(s.here.core.context.read, s.roomId, 'here.test')
    const sorted = (map: ReadonlyMap<string, string> = new Map()) => Object.fromEntries([...map].sort())
    t.deepEqual(sorted(head?.stateMap()), sorted((await headOf(s.here, s.roomId)).stateMap()))
    const news = async () =>
      (await sync.ask(BOB, { ...lazily, since: told.next_batch })).rooms?.join?.[s.roomId]
    await eventually('it is news', async () => (await news()) !== undefined)
    const topics = (await news())?.state?.events.filter(({ type }) => type === 'm.room.topic')
    t.deepEqual(
      topics?.map(({ content }) => content['topic']),
      ['Dave was here'],
      'also for who knows the room already',
    )
    const heard = await say(s.third, DAVE, s.roomId, 'here I am')
    await s.world.send(s.third, s.here, [heard])
    t.deepEqual(await messagesOf(s.here, s.roomId), ['here I am'])
  })
}

test('a process that ends as a room is complete owes nothing to servers that nobody knew of', async t => {
  const s = await scene(t)
  await answering(s, answer => ({ ...answer, serversInRoom: ['big.test'] }))
  await joinPartially(s)
  await say(s.here, BOB, s.roomId, 'is anybody there?')
  const { commit } = s.here.database
  let isOver = false
  Object.assign(s.here.database, {
    commit: async (set: Parameters<typeof commit>[0]) => {
      if (isOver) throw new DatabaseUnavailable('the process has ended')
      isOver = set.statements.some(({ guard }) => guard?.name === 'partial')
      return commit.call(s.here.database, set)
    },
  })
  s.open()
  await completed(s)
  t.true(isOver)
  t.deepEqual(await new OutboxReader(s.here.database).pendingServers(), ['third.test'])
})
