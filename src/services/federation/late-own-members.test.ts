import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import { OutboundError } from '../../network/outbound-error.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { say, type WorldServer } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  BOB,
  CAROL,
  completed,
  headOf,
  joinPartially,
  type Scene,
  scene,
} from '../../test-kit/partial-join.ts'
import { type TestSync, testSync } from '../../test-kit/room-sync.ts'
import { ProfilePropagation } from '../rooms/profile-propagation.ts'

const LAZY = { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }
const WAYS = [
  ['a client that wants all members', {}],
  ['a client that loads members lazily', LAZY],
] as const

/** Carol asks to join, and the room lets her in, which her server never hears; nor is it in the room. */
const joinUnheard = async ({ here, roomId }: Scene): Promise<void> => {
  const { sendJoin } = here.client
  Object.assign(here.client, {
    sendJoin: async (...parameters: Parameters<typeof sendJoin>) => {
      await sendJoin(...parameters)
      throw new OutboundError('timeout', 'the answer was lost')
    },
  })
  let outcome = ''
  void here.rooms.memberships.join({ userId: CAROL, roomId, via: ['big.test'] }).then(
    () => {
      outcome = 'in'
    },
    () => {
      outcome = 'failed'
    },
  )
  await eventually('Carol is answered', async () => {
    await here.clock.advance(500)
    return outcome !== ''
  })
  Object.assign(here.client, { sendJoin })
  if (outcome !== 'failed') throw new Error('Carol is told that she is in')
}

const sceneOf = async (t: ExecutionContext, database = testDatabase(t)) => {
  const s = await scene(t, await database)
  const sync = testSync(s.here, s.here.database)
  t.teardown(() => sync.close())
  return { ...s, sync }
}

const joinedIn = (body: Awaited<ReturnType<TestSync['ask']>>, { roomId }: Scene) => body.rooms?.join?.[roomId]

testDatabases(
  test,
  'whose join nobody here has heard of is told of the room once its members are known',
  async (t, database) => {
    const s = await sceneOf(t, Promise.resolve(database))
    await joinUnheard(s)
    const before = await Promise.all(WAYS.map(([, query]) => s.sync.ask(CAROL, query)))
    await joinPartially(s, BOB)
    const between = await Promise.all(
      WAYS.map(([, query], way) => s.sync.ask(CAROL, { ...query, since: before[way]?.next_batch })),
    )
    s.open()
    await completed(s)
    for (const [way, [who, query]] of WAYS.entries()) {
      t.is(joinedIn(between[way] ?? { next_batch: '' }, s), undefined, who)
      const since = between[way]?.next_batch
      const ask = () => s.sync.ask(CAROL, { ...query, since, stateAfter: 'state_after' })
      await eventually('it is news', async () => joinedIn(await ask(), s) !== undefined)
      const told = await ask()
      const types = joinedIn(told, s)?.state_after?.events.map(({ type }) => type)
      t.true(types?.includes('m.room.create'), `${who}: the room is shown from its beginning`)
      const next = await s.sync.ask(CAROL, { ...query, since: told.next_batch })
      t.is(joinedIn(next, s), undefined, `${who}: once`)
    }
  },
)

test('who is learnt to have been in the room after they have joined anew is shown it once', async t => {
  const s = await sceneOf(t)
  await joinUnheard(s)
  await joinPartially(s, BOB)
  const start = await s.sync.ask(CAROL, LAZY)
  await s.here.rooms.memberships.join({ userId: CAROL, roomId: s.roomId })
  const told = await s.sync.ask(CAROL, { ...LAZY, since: start.next_batch, stateAfter: 'state_after' })
  const typesOf = (body: typeof told) => joinedIn(body, s)?.state_after?.events.map(({ type }) => type)
  t.true(typesOf(told)?.includes('m.room.create'))
  s.open()
  await completed(s)
  const next = await s.sync.ask(CAROL, { ...LAZY, since: told.next_batch, stateAfter: 'state_after' })
  t.false(typesOf(next)?.includes('m.room.create') ?? false, 'who was shown it is not shown it again')
  const late = await s.sync.ask(CAROL, { ...LAZY, since: start.next_batch, stateAfter: 'state_after' })
  t.true(typesOf(late)?.includes('m.room.create'), 'who looks only now is shown all of it')
})

/** Tells rooms of Carol's new name until the test is over; answers what was told. */
const renaming = (t: ExecutionContext, { core, clock }: WorldServer): unknown[] => {
  const told: unknown[] = []
  const propagation = new ProfilePropagation({
    ...{ context: core.context, clock, log: silentLog, profile: async () => ({ displayname: 'Carol II' }) },
    sender: {
      send: (roomId, template, options) => {
        told.push([roomId, template.sender, template.content['displayname']])
        return core.sender.send(roomId, template, options)
      },
    },
  })
  propagation.start()
  t.teardown(() => propagation.close())
  return told
}

test('a room that is learnt late is told of a name that has changed meanwhile', async t => {
  const s = await sceneOf(t)
  await joinUnheard(s)
  await joinPartially(s, BOB)
  const told = renaming(t, s.here)
  s.open()
  await completed(s)
  await eventually('the room is told', () => told.length > 0)
  t.deepEqual(told, [[s.roomId, CAROL, 'Carol II']])
})

for (const [how, isToldAll] of [
  ['by the join, which comes with what was said after it', true],
  ['by the state that others tell of a branch', false],
] as const) {
  test(`so is one that is learnt late ${how}`, async t => {
    const s = await sceneOf(t)
    const { world, big, here, roomId } = s
    await joinUnheard(s)
    // Dave's server has not heard of Carol either.
    await joinPartially(s, BOB, 'third.test')
    s.open()
    await completed(s)
    t.is((await headOf(here, roomId)).memberships.get(CAROL), undefined)
    const told = renaming(t, here)
    const nothing = { status: 200, json: { events: [] } }
    world.intercept = ({ path }) =>
      !isToldAll && path.includes('/get_missing_events/') ? nothing : undefined
    await world.send(big, here, [await say(big, ALICE, roomId, 'hello Carol')])
    t.is((await headOf(here, roomId)).memberships.get(CAROL), 'join')
    await eventually('the room is told', () => told.length > 0)
    t.deepEqual(told, [[roomId, CAROL, 'Carol II']])
  })
}
