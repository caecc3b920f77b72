import test from 'ava'
import { roomEventFilter } from '../../../core/filter.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { eventually } from '../../../test-kit/eventually.ts'
import {
  FederationWorld,
  messagesOf,
  say,
  stateAt,
  type WorldServer,
} from '../../../test-kit/federation-world.ts'
import { newRoom, requesterOf } from '../../../test-kit/rooms.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:b.test'
const CAROL = '@carol:c.test'

const makeRoom = ({ rooms }: WorldServer, preset: 'public_chat' | 'private_chat' = 'public_chat') =>
  rooms.roomCreation.create(newRoom(rooms, ALICE, { preset }), { isDirect: false })

const hears = (server: WorldServer, roomId: string, messages: readonly string[]) =>
  eventually(`${server.name} hears ${messages}`, async () => {
    const heard = await messagesOf(server, roomId)
    return messages.every(message => heard.includes(message))
  })

const membershipAt = async (server: WorldServer, roomId: string, userId: string) =>
  (await server.core.writer.head(roomId))?.memberships.get(userId)

testDatabases(test, 'three servers hear each other, and a resident passes joins on', async (t, database) => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test', { database })
  const b = await world.add('b.test')
  const c = await world.add('c.test')
  for (const server of [a, b, c]) server.federation.start()
  const roomId = await makeRoom(a)
  await say(a, ALICE, roomId, 'before')
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await eventually('b knows of Carol', async () => (await membershipAt(b, roomId, CAROL)) === 'join')
  await say(a, ALICE, roomId, 'from a')
  await Promise.all([hears(b, roomId, ['from a']), hears(c, roomId, ['from a'])])
  await say(b, BOB, roomId, 'from b')
  await say(c, CAROL, roomId, 'from c')
  const all = ['from a', 'from b', 'from c']
  await Promise.all([a, b, c].map(server => hears(server, roomId, all)))
  await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
  await eventually('b knows that Bob is out', async () => (await membershipAt(b, roomId, BOB)) === 'leave')

  const page = await c.rooms.roomHistory.messages(requesterOf(CAROL), roomId, {
    direction: 'b',
    limit: 100,
    filter: roomEventFilter(undefined),
  })
  const ids = page.chunk.map(text => JSON.parse(text))
  t.is(ids.at(-1).type, 'm.room.create', 'history leads back to the beginning')
  t.true(ids.some(event => event.content.body === 'before'))
})

test('a server that was away hears what it missed', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test')
  for (const server of [a, b]) server.federation.start()
  const roomId = await makeRoom(a)
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await say(a, ALICE, roomId, 'hello')
  await hears(b, roomId, ['hello'])
  const attempts = () => world.requests.filter(one => one.startsWith('a.test > b.test PUT')).length
  world.intercept = ({ to }) => (to === 'b.test' ? 'unreachable' : undefined)
  const missed = Array.from({ length: 30 }, (_, n) => `missed ${n}`)
  const before = attempts()
  for (const body of missed) await say(a, ALICE, roomId, body)
  await eventually('it is tried', () => attempts() > before)
  for (let hour = 0; hour < 3; hour++) {
    const tried = attempts()
    await a.clock.advance(60 * 60_000)
    await eventually('it is tried again', () => attempts() > tried)
  }
  world.intercept = () => undefined
  await a.clock.advance(60_000)
  // What b says makes a try again as well.
  await say(b, BOB, roomId, 'I am back')
  await a.clock.advance(60_000)
  await Promise.all([hears(b, roomId, missed), hears(a, roomId, ['I am back'])])
  t.deepEqual((await messagesOf(b, roomId)).toSorted(), (await messagesOf(a, roomId)).toSorted())
})

test('an invitation that is withdrawn vanishes at the invited user’s server', async t => {
  const world = new FederationWorld(t)
  const a = await world.add('a.test')
  const b = await world.add('b.test')
  for (const server of [a, b]) server.federation.start()
  const roomId = await makeRoom(a, 'private_chat')
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  const invitation = () => b.core.context.read.invitations.one(BOB, roomId)
  t.is((await invitation())?.status, 'invited')
  await a.rooms.memberships.kick({ sender: ALICE, userId: BOB, roomId })
  await eventually('it is withdrawn', async () => (await invitation())?.status === 'cancelled')
  t.is((await stateAt(a, roomId, 'm.room.member', BOB))?.content['membership'], 'leave')
})
