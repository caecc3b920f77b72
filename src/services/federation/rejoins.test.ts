import test, { type ExecutionContext } from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import {
  FederationWorld,
  messagesOf,
  say,
  setState,
  stateAt,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const BEN = '@ben:b.test'
const CAROL = '@carol:c.test'

/** Alice's room, with Bob and Carol; what they say from here on is delivered by hand. */
const scene = async (t: ExecutionContext) => {
  const world = new FederationWorld(t)
  const [a, b, c] = [await world.add('a.test'), await world.add('b.test'), await world.add('c.test')]
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  const join = async (server: WorldServer, userId: string, others: readonly WorldServer[]): Promise<void> => {
    // Who was in the room before need not be told where it is, though its ID does not say it.
    const isKnown = (await server.core.writer.head(roomId)) !== undefined
    await server.rooms.memberships.join({ userId, roomId, via: isKnown ? [] : ['a.test'] })
    await eventually('the room is complete', async () => {
      await server.clock.advance(5_000)
      return (await server.core.writer.head(roomId))?.partial === undefined
    })
    // As a.test would by itself, if its sender ran.
    const event = await memberEvent(a, roomId, userId)
    for (const other of others) await world.send(a, other, [event])
  }
  await join(b, BOB, [])
  await join(c, CAROL, [b])
  return { world, a, b, c, roomId, join }
}

const memberEvent = async (server: WorldServer, roomId: string, userId: string) => {
  const event = await stateAt(server, roomId, 'm.room.member', userId)
  if (event === undefined) throw new Error(`${userId} is not known`)
  return event
}

const membersOf = async ({ core }: WorldServer, roomId: string): Promise<Record<string, string>> =>
  Object.fromEntries([...((await core.writer.head(roomId))?.memberships ?? [])].sort())

const endsOf = async ({ core }: WorldServer, roomId: string): Promise<string[]> =>
  ((await core.writer.head(roomId))?.extremities ?? []).map(end => end.eventId).sort()

for (const omitMembers of [true, false]) {
  const how = omitMembers ? 'without its members' : 'with all members'
  test(`a leave that nobody knows yet is not undone by coming back, ${how}`, async t => {
    const { world, a, b, roomId, join } = await scene(t)
    const { sendJoin } = b.client
    Object.assign(b.client, {
      sendJoin: (server: string, request: Parameters<typeof sendJoin>[1]) =>
        sendJoin(server, { ...request, omitMembers }),
    })
    await b.rooms.memberships.leave({ userId: BOB, roomId })
    const left = await memberEvent(b, roomId, BOB)
    await setState(a, ALICE, roomId, { type: 'm.room.name', content: { name: 'Tea' } })
    await join(b, BEN, [])

    const expected = { [ALICE]: 'join', [BEN]: 'join', [BOB]: 'leave', [CAROL]: 'join' }
    t.deepEqual(await membersOf(b, roomId), expected)
    t.is((await stateAt(b, roomId, 'm.room.name'))?.content['name'], 'Tea')
    const came = await memberEvent(b, roomId, BEN)
    t.deepEqual(await endsOf(b, roomId), [left.eventId, came.eventId].sort())

    // The next event brings the leave along.
    const said = await say(b, BEN, roomId, 'back again')
    t.deepEqual(said.prevEvents.toSorted(), [left.eventId, came.eventId].sort())
    t.deepEqual(await world.send(b, a, [said]), new Map())
    t.deepEqual(await membersOf(a, roomId), expected)
    t.deepEqual(await endsOf(a, roomId), [said.eventId])
  })
}

test('what the server knows that lets us in again is no end beside the join', async t => {
  const { world, a, b, roomId, join } = await scene(t)
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  const left = await memberEvent(b, roomId, BOB)
  await world.send(b, a, [left])
  await say(a, ALICE, roomId, 'gone')
  const none = { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'no' } }
  world.intercept = ({ path }) => (path.includes('/backfill/') ? none : undefined)
  await join(b, BEN, [])
  t.deepEqual(await endsOf(b, roomId), [(await memberEvent(b, roomId, BEN)).eventId])
  t.is((await membersOf(b, roomId))[BOB], 'leave')
})

test('what was said during an absence is there after it, also where it was much', async t => {
  const { world, a, b, roomId, join } = await scene(t)
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  await world.send(b, a, [await memberEvent(b, roomId, BOB)])
  const said = Array.from({ length: 230 }, (_, n) => `${n}`)
  for (const body of said) await say(a, ALICE, roomId, body)
  await join(b, BEN, [])
  t.deepEqual(await messagesOf(b, roomId), said)
})

test('what is before the leave of a server’s last user can be had from that server', async t => {
  const { world, a, b, c, roomId } = await scene(t)
  await world.send(c, b, [await say(c, CAROL, roomId, 'only for you')])
  await b.rooms.memberships.leave({ userId: BOB, roomId })
  t.deepEqual(await world.send(b, a, [await memberEvent(b, roomId, BOB)]), new Map())
  t.is((await membersOf(a, roomId))[BOB], 'leave')
  t.deepEqual(await messagesOf(a, roomId), ['only for you'])
  await t.throwsAsync(c.client.getEvent('b.test', '$unknown'), { message: /not known here/ })
  await world.add('d.test')
  const [end = ''] = await endsOf(b, roomId)
  const stranger = world.servers.get('d.test')
  await t.throwsAsync(async () => stranger?.client.getEvent('b.test', end), { message: /not in this room/ })
})
