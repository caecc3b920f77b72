import test, { type ExecutionContext } from 'ava'
import { roomVersion } from '../../core/room-versions.ts'
import type { NewRoom } from '../../services/rooms/room-templates.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { ALICE, BOB, CAROL, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import {
  type FederationWorld,
  messagesOf,
  say,
  setState,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

interface Three {
  readonly world: FederationWorld
  readonly a: WorldServer
  readonly b: WorldServer
  readonly c: WorldServer
}

const three = async (t: ExecutionContext): Promise<Three> => {
  const p = await pair(t)
  return { ...p, c: await p.world.add('c.test') }
}

/** Has Bob join through Alice's server, which takes a moment where keys are looked for. */
const bobJoins = async ({ b }: Three, roomId: string): Promise<void> => {
  let isOver = false
  const joining = b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] }).finally(() => {
    isOver = true
  })
  joining.catch(() => undefined)
  await eventually('he is in', async () => {
    await b.clock.advance(100)
    return isOver
  })
  await joining
}

const hears = async (t: ExecutionContext, { world, a, b }: Three, roomId: string): Promise<void> => {
  const said = await say(a, ALICE, roomId, 'are you there?')
  await world.send(a, b, [said])
  t.deepEqual(await messagesOf(b, roomId), ['are you there?'])
}

for (const id of ['1', '9', '12']) {
  const version = roomVersion(id)
  const fields: Partial<NewRoom> = { preset: 'public_chat', name: 'Garden', ...(version && { version }) }

  test(`rooms of version ${id} whose creator’s server is gone can be joined`, async t => {
    const p = await three(t)
    const { a, b, c } = p
    const made = newRoom(c.rooms, CAROL, fields)
    const roomId = await c.rooms.roomCreation.create(made, { isDirect: false })
    await a.rooms.memberships.join({ userId: ALICE, roomId, via: ['c.test'] })
    await c.kill()
    await bobJoins(p, roomId)
    t.deepEqual((await stateAt(b, roomId, 'm.room.name'))?.content, { name: 'Garden' })
    await hears(t, p, roomId)
  })

  test(`so can rooms of version ${id} whose power levels were set by somebody of such a server`, async t => {
    const p = await three(t)
    const { world, a, b, c } = p
    const roomId = await makeRoom(a, fields)
    await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
    const before = (await stateAt(a, roomId, 'm.room.power_levels'))?.content ?? {}
    const levels = { ...before, events: {}, users: { ...Object(before['users']), [CAROL]: 100 } }
    const type = 'm.room.power_levels'
    await world.send(a, c, [await setState(a, ALICE, roomId, { type, content: levels })])
    const set = await setState(c, CAROL, roomId, { type, content: { ...levels, invite: 1 } })
    await world.send(c, a, [set])
    await c.kill()
    await bobJoins(p, roomId)
    t.is((await stateAt(b, roomId, type))?.eventId, set.eventId)
    await hears(t, p, roomId)
  })
}

const HISTORY = ['one', 'two', 'three', 'four', 'five']

/** Alice and Carol have talked, in turns, before Carol's server was gone and Bob came; answers how Bob's server fetches that. */
const historyWith = async (t: ExecutionContext, fields: Partial<NewRoom>, isVouchedFor: boolean) => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a, { preset: 'public_chat', ...fields })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const said: string[] = []
  for (const [index, body] of HISTORY.entries()) {
    const [by, to] = index % 2 === 0 ? [a, c] : [c, a]
    const event = await say(by, by === a ? ALICE : CAROL, roomId, body)
    said.push(event.eventId)
    await world.send(by, to, [event])
  }
  await c.kill()
  if (!isVouchedFor)
    world.intercept = ({ path }) => (path === '/_matrix/key/v2/query' ? 'unreachable' : undefined)
  await bobJoins(p, roomId)
  await eventually('all members are known', async () => {
    await b.clock.advance(1_000)
    return (await b.core.writer.head(roomId))?.partial === undefined
  })
  const fetch = async (): Promise<boolean> => {
    let isOver = false
    const fetching = b.federation.fetchHistory(roomId, 100).finally(() => {
      isOver = true
    })
    await eventually('it is fetched', async () => {
      await b.clock.advance(100)
      return isOver
    })
    return fetching
  }
  const { events, rooms } = b.core.context.read
  const range = { after: Number.MIN_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const all = async () => events.forwards({ roomNid: (await rooms.byId(roomId))?.nid ?? 0, ...range })
  const shown = async () =>
    (await all()).flatMap(({ event }) => (event.type === 'm.room.message' ? [event.content['body']] : []))
  const begins = async () => (await all())[0]?.event.type
  return { b, said, fetch, shown, begins }
}

test('history tells what was said by somebody of a server that is gone, as a moderator’s server knows it', async t => {
  const { fetch, shown, begins } = await historyWith(t, {}, true)
  t.true(await fetch())
  t.deepEqual(await shown(), HISTORY)
  t.is(await begins(), 'm.room.create')
})

test('what nobody can verify of it is left out, but not what came before', async t => {
  const { b, said, fetch, shown, begins } = await historyWith(t, {}, false)
  t.true(await fetch())
  t.deepEqual(await shown(), ['five'])
  for (const minutes of [1, 2]) {
    t.false(await fetch(), 'its server may be back soon')
    await b.clock.advance(minutes * 60_000)
  }
  t.true(await fetch())
  t.deepEqual(await shown(), ['one', 'three', 'five'])
  t.is(await begins(), 'm.room.create')
  const stored = [...(await b.core.context.read.events.byIds(said)).values()]
  const hidden = stored.filter(({ rejected }) => rejected !== undefined)
  t.is(hidden.length, 2)
  for (const { event } of hidden) t.deepEqual(event.content, {}, 'nothing is believed of it')
})

test('of versions in which an event’s ID is whatever its server says nothing is kept that cannot be verified', async t => {
  const version = roomVersion('2')
  const { b, said, fetch, shown } = await historyWith(t, version === undefined ? {} : { version }, false)
  t.true(await fetch())
  for (const minutes of [1, 2, 4]) {
    t.false(await fetch())
    await b.clock.advance(minutes * 60_000)
  }
  t.deepEqual(await shown(), ['five'])
  t.is((await b.core.context.read.events.byIds(said)).size, 1)
})

test('what is said later in the name of a server that is gone is believed of nobody', async t => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(c, a, [(await stateAt(c, roomId, 'm.room.member', CAROL)) ?? {}])
  const said = await say(c, CAROL, roomId, 'my last words')
  await world.send(c, a, [said])
  await c.kill()
  await bobJoins(p, roomId)
  const refused = await world.send(a, b, [said])
  t.regex(refused.get(said.eventId) ?? '', /no valid signature of c\.test/)
})
