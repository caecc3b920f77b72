import test from 'ava'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { messagesOf, say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  BOB,
  completed,
  DAVE,
  headOf,
  joinAnswered,
  joinPartially,
  type Scene,
  scene,
  stateBeforeIds,
} from '../../test-kit/partial-join.ts'
import { testSync } from '../../test-kit/room-sync.ts'

const MEMBER = 'm.room.member'

/** Bob has come and gone while nobody told the members, and nobody waits for them any more. Answers his leave. */
const unfinished = async (s: Scene) => {
  await joinPartially(s)
  await s.here.rooms.memberships.leave({ userId: BOB, roomId: s.roomId })
  await eventually('nobody searches', async () => {
    await s.here.clock.advance(60_000)
    return (await s.here.core.context.read.partial.allOpen()).length === 0
  })
  const left = await stateAt(s.here, s.roomId, MEMBER, BOB)
  if (left === undefined) throw new Error('Bob has not left')
  return left
}

/** Bob comes back, and everybody is told of by and by. */
const comeBack = async (s: Scene): Promise<void> => {
  await joinPartially(s)
  s.open()
  await completed(s)
}

testDatabases(
  test,
  'what builds on a stay whose members were never known is judged as others judge it',
  async (t, database) => {
    const s = await scene(t, database)
    const { world, big, third, here, roomId } = s
    const left = await unfinished(s)
    // As far as Dave's server knows, Bob is still there.
    const said = [await say(third, DAVE, roomId, 'one'), await say(third, DAVE, roomId, 'two')]
    await world.send(here, big, [left])
    await comeBack(s)
    for (const server of [big, here]) await world.send(third, server, said)
    t.deepEqual(await messagesOf(here, roomId), ['one', 'two'])
    for (const event of said)
      t.deepEqual(await stateBeforeIds(here, roomId, event), await stateBeforeIds(big, roomId, event))
    await world.send(here, big, [await say(here, BOB, roomId, 'back again')])
    t.deepEqual(
      sorted((await headOf(here, roomId)).stateMap()),
      sorted((await headOf(big, roomId)).stateMap()),
    )
  },
)

test('a client that wants all members, and looked while they were lacking, is told all of the room once its user is back', async t => {
  const database = await testDatabase(t)
  const s = await scene(t, database)
  const sync = testSync(s.here, database)
  t.teardown(() => sync.close())
  await joinPartially(s)
  const { next_batch: since, rooms } = await sync.ask(BOB)
  t.is(rooms?.join?.[s.roomId], undefined)
  await unfinished(s)
  await comeBack(s)
  const told = async () => (await sync.ask(BOB, { since })).rooms?.join?.[s.roomId]
  await eventually('the room is news', async () => (await told()) !== undefined)
  const whole = await told()
  const shown = [...(whole?.state?.events ?? []), ...(whole?.timeline?.events ?? [])]
  t.true(shown.some(({ type }) => type === 'm.room.name'))
  t.is(new Set(shown.filter(({ type }) => type === MEMBER).map(event => event.state_key)).size, 11)
})

test('what was said while nobody was there, after such a stay, is there with its state', async t => {
  const s = await scene(t)
  const { world, big, third, here, roomId } = s
  const left = await unfinished(s)
  const said = [await say(third, DAVE, roomId, 'one'), await say(third, DAVE, roomId, 'two')]
  await world.send(third, big, said)
  await world.send(here, big, [left])
  s.open()
  await comeBack(s)
  t.deepEqual(await messagesOf(here, roomId), ['one', 'two'])
  for (const event of said)
    t.deepEqual(await stateBeforeIds(here, roomId, event), await stateBeforeIds(big, roomId, event))
})

for (const omitMembers of [true, false]) {
  const how = omitMembers ? 'without its members' : 'with all of them'
  test(`whom such a stay did not know it does not contradict, where its end stands beside coming back ${how}`, async t => {
    const s = await scene(t)
    const { world, big, third, here, roomId } = s
    // In conflict with a state that does not know the user, what is no longer allowed would not come through.
    const powersOf = async (power: number) => {
      const content = { users: { [DAVE]: power } }
      await world.send(big, third, [
        await setState(big, ALICE, roomId, { type: 'm.room.power_levels', content }),
      ])
    }
    await powersOf(50)
    const kicked = '@m1:big.test'
    await world.send(third, big, [
      await setState(third, DAVE, roomId, {
        type: MEMBER,
        stateKey: kicked,
        content: { membership: 'leave' },
      }),
    ])
    await powersOf(0)
    const left = await unfinished(s)
    const { sendJoin } = here.client
    Object.assign(here.client, {
      sendJoin: (server: string, request: Parameters<typeof sendJoin>[1]) =>
        sendJoin(server, { ...request, omitMembers }),
    })
    await joinPartially(s, BEN)
    s.open()
    await completed(s)
    t.true((await headOf(here, roomId)).extremities.some(end => end.eventId === left.eventId))
    t.is((await headOf(here, roomId)).memberships.get(kicked), 'leave')
    t.is((await headOf(here, roomId)).memberships.get(BOB), 'leave')
    await world.send(here, big, [await say(here, BEN, roomId, 'hello')])
    t.deepEqual(
      sorted((await headOf(here, roomId)).stateMap()),
      sorted((await headOf(big, roomId)).stateMap()),
    )
  })
}

test('who comes back asks first for the members of the stay before: an end of it stands beside the join as it is', async t => {
  const s = await scene(t)
  const { world, big, third, here, roomId } = s
  const invited = '@m1:big.test'
  await big.rooms.memberships.leave({ userId: invited, roomId })
  const powers = { type: 'm.room.power_levels', content: { users: { [DAVE]: 50 } } }
  await world.send(big, third, [
    await setState(big, ALICE, roomId, powers),
    await memberOf(big, roomId, invited),
  ])
  await unfinished(s)
  // The stay knows but of their leave; and that they were invited since, whoever did it can no longer say.
  const invitation = { type: MEMBER, stateKey: invited, content: { membership: 'invite' } }
  await world.send(third, big, [await setState(third, DAVE, roomId, invitation)])
  const kick = { type: MEMBER, stateKey: DAVE, content: { membership: 'leave' } }
  await world.send(big, third, [await setState(big, ALICE, roomId, kick)])
  s.open()
  await joinAnswered(s, BEN)
  await completed(s)
  await world.send(here, big, [await say(here, BEN, roomId, 'hello')])
  t.is((await headOf(big, roomId)).memberships.get(BOB), 'leave')
  t.deepEqual(sorted((await headOf(here, roomId)).stateMap()), sorted((await headOf(big, roomId)).stateMap()))
  t.is((await headOf(big, roomId)).memberships.get(invited), 'leave')
  const context = here.core.context
  const room = await context.read.rooms.byId(roomId)
  t.deepEqual(await context.read.partial.unfinished(room?.nid ?? 0), [])
})

test('no state of such a stay is told to other servers', async t => {
  const s = await scene(t)
  const left = await unfinished(s)
  await comeBack(s)
  const asked = s.third.client.getStateIds('here.test', { roomId: s.roomId, eventId: left.eventId })
  t.like(await t.throwsAsync(asked), { errcode: 'M_UNABLE_DUE_TO_PARTIAL_STATE', status: 404 })
})

const BEN = '@ben:here.test'

const memberOf = async (server: WorldServer, roomId: string, userId: string) => {
  const member = await stateAt(server, roomId, MEMBER, userId)
  if (member === undefined) throw new Error(`${userId} is not known`)
  return member
}

const sorted = (map: ReadonlyMap<string, string>) => Object.fromEntries([...map].sort())
