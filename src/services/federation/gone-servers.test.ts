import test, { type ExecutionContext } from 'ava'
import { roomVersion } from '../../core/room-versions.ts'
import type { NewRoom } from '../../services/rooms/room-templates.ts'
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
  for (let tries = 0; tries < 600 && !isOver; tries++) await b.clock.advance(100)
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

test('history goes on before what was said by somebody of a server that is gone', async t => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a)
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await world.send(a, c, [await say(a, ALICE, roomId, 'one')])
  await world.send(c, a, [await say(c, CAROL, roomId, 'two')])
  await say(a, ALICE, roomId, 'three')
  await c.kill()
  await bobJoins(p, roomId)
  let isOver = false
  const fetching = b.federation.fetchHistory(roomId, 100).finally(() => {
    isOver = true
  })
  for (let tries = 0; tries < 600 && !isOver; tries++) await b.clock.advance(100)
  t.true(await fetching)
  const { events, rooms } = b.core.context.read
  const range = { after: Number.MIN_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const all = await events.forwards({ roomNid: (await rooms.byId(roomId))?.nid ?? 0, ...range })
  t.is(all[0]?.event.type, 'm.room.create')
  t.deepEqual(
    all.flatMap(({ event }) => (event.type === 'm.room.message' ? [event.content['body']] : [])),
    ['one', 'two', 'three'],
  )
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
