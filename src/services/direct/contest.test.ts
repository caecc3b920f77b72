import test from 'ava'
import { type DirectClaim, type Pair, pairOf } from '../../core/direct-rooms.ts'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { AccountDataWriter } from '../../storage/accounts/account-data.ts'
import {
  arrived,
  FederationWorld,
  messagesOf,
  say,
  setState,
  type WorldServer,
} from '../../test-kit/federation-world.ts'
import type { RoomSender } from '../rooms/room-sender.ts'
import { DirectClaims } from './claims.ts'
import { Contest } from './contest.ts'
import { DirectList } from './direct-list.ts'
import { newDirectRoom } from './new-direct-room.ts'

const [ALICE, BOB] = ['@alice:a.test', '@bob:b.test']
const PAIR = pairOf(ALICE, BOB)

/** Noting which room it is is the last thing that this process does. */
class KilledAfterClaim extends DirectClaims {
  override async set(pair: Pair, claim: DirectClaim, before: string | undefined): Promise<boolean> {
    await super.set(pair, claim, before)
    throw new Error('killed')
  }
}

const contestOn = (
  { core, rooms }: WorldServer,
  parts: { Claims?: typeof DirectClaims; sender?: RoomSender } = {},
): Contest => {
  const { Claims = DirectClaims, sender = core.sender } = parts
  const list = new DirectList(core.context.db)
  const claims = new Claims(core.context, list)
  return new Contest({ core: { ...core, sender }, rooms, claims, list, log: silentLog })
}

/** A direct room that somebody has made for themselves and another, as far as their server knows. */
const madeBy = async (
  { core, rooms }: WorldServer,
  maker: string,
  other: string,
  generation = 1,
): Promise<string> => {
  const claims = new DirectClaims(core.context, new DirectList(core.context.db))
  const version = rooms.roomSettings.defaultVersion
  const room = newDirectRoom({ pair: PAIR, generation, maker }, { version })
  const roomId = await rooms.roomCreation.make(room, id => [
    claims.statement(PAIR, { roomId: id, generation, maker }, undefined),
  ])
  await rooms.memberships.invite({ sender: maker, userId: other, roomId, content: { is_direct: true } })
  return roomId
}

test('what was said goes over to the room that has won, once, whatever happens meanwhile', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const lost = await madeBy(b, BOB, ALICE)
  for (const body of ['one', 'refused', 'two']) await say(b, BOB, lost, body)
  const won = await madeBy(a, ALICE, BOB)
  const invitation = await b.core.context.read.invitations.one(BOB, won)
  if (invitation === undefined) return t.fail('Bob is not invited')
  const sender = {
    send: async (...[roomId, template, options]: Parameters<RoomSender['send']>) => {
      if (template.content['body'] === 'refused') throw new MatrixError('M_FORBIDDEN', 'Not here')
      return b.core.sender.send(roomId, template, options)
    },
  } as RoomSender
  const killed = contestOn(b, { Claims: KilledAfterClaim, sender })
  await t.throwsAsync(killed.consider(invitation), { message: 'killed' })
  const again = contestOn(b, { sender })
  for (let time = 0; time < 2; time++) await again.consider(invitation)
  t.deepEqual(await messagesOf(b, won), ['one', 'two'])
})

test('what one message cannot does not keep the room that has lost from being closed', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const lost = await madeBy(b, BOB, ALICE)
  await say(b, BOB, lost, 'refused')
  const won = await madeBy(a, ALICE, BOB)
  const invitation = await b.core.context.read.invitations.one(BOB, won)
  if (invitation === undefined) return t.fail('Bob is not invited')
  const sender = {
    send: async (...[roomId, template, options]: Parameters<RoomSender['send']>) => {
      if (template.content['body'] === 'refused') throw new MatrixError('M_FORBIDDEN', 'Not here')
      return b.core.sender.send(roomId, template, options)
    },
  } as RoomSender
  await contestOn(b, { sender }).consider(invitation)
  t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [won])
})

test('a room into which the other never came is left for a later one of theirs, and what was said in it goes along', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const lost = await madeBy(b, BOB, ALICE)
  await say(b, BOB, lost, 'one')
  await a.rooms.memberships.leave({ userId: ALICE, roomId: lost })
  await say(b, BOB, lost, 'two')
  const won = await madeBy(a, ALICE, BOB, 2)
  const invitation = await b.core.context.read.invitations.one(BOB, won)
  if (invitation === undefined) return t.fail('Bob is not invited')
  await contestOn(b).consider(invitation)
  t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [won])
  t.deepEqual(await new DirectList(b.core.context.db).of(BOB, ALICE), [won])
  t.deepEqual(await messagesOf(b, won), ['one', 'two'])
})

test('a room in which both have been stays where the other has gone on to a later one', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const before = await madeBy(b, BOB, ALICE)
  await a.rooms.memberships.join({ userId: ALICE, roomId: before })
  const content = { membership: 'leave' }
  const left = await setState(a, ALICE, before, { type: 'm.room.member', stateKey: ALICE, content })
  await world.send(a, b, [left])
  await arrived(b, left.eventId)
  const later = await madeBy(a, ALICE, BOB, 2)
  const invitation = await b.core.context.read.invitations.one(BOB, later)
  if (invitation === undefined) return t.fail('Bob is not invited')
  await contestOn(b).consider(invitation)
  t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [before], 'Bob is only invited to the later one')
})

/** Bob's server hears that Alice has made a later room, and asks him to come. */
const laterRoom = async (a: WorldServer, b: WorldServer) => {
  const later = await madeBy(a, ALICE, BOB, 2)
  const invitation = await b.core.context.read.invitations.one(BOB, later)
  if (invitation === undefined) throw new Error('Bob is not invited')
  await contestOn(b).consider(invitation)
  return later
}

for (const membership of ['leave', 'ban'] as const)
  test(`who has sent the other away (${membership}) before they came is not brought into their room`, async t => {
    const world = new FederationWorld(t)
    const [a, b] = [await world.add('a.test'), await world.add('b.test')]
    const own = await madeBy(b, BOB, ALICE)
    await setState(b, BOB, own, { type: 'm.room.member', stateKey: ALICE, content: { membership } })
    await laterRoom(a, b)
    t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [own])
  })

test('who ignores the other is not brought into their room', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const own = await madeBy(b, BOB, ALICE)
  const { db } = b.core.context
  const content = JSON.stringify({ ignored_users: { [ALICE]: {} } })
  await db.commit({
    statements: [new AccountDataWriter(db).set(BOB, '', 'm.ignored_user_list', content)],
  })
  await laterRoom(a, b)
  t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [own])
})

test('what was said before somebody was asked again goes along', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const lost = await madeBy(b, BOB, ALICE)
  await say(b, BOB, lost, 'one')
  await a.rooms.memberships.leave({ userId: ALICE, roomId: lost })
  await say(b, BOB, lost, 'two')
  await b.rooms.memberships.invite({ sender: BOB, userId: ALICE, roomId: lost, content: { is_direct: true } })
  await say(b, BOB, lost, 'three')
  const won = await laterRoom(a, b)
  t.deepEqual(await messagesOf(b, won), ['one', 'two', 'three'])
})

test('who comes into the last room that the other has made has it as theirs', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const claimsOf = ({ core }: WorldServer) => new DirectClaims(core.context, new DirectList(core.context.db))
  const make = async () => {
    const roomId = await madeBy(a, ALICE, BOB)
    await claimsOf(a).release(PAIR, roomId)
    return roomId
  }
  // Of two names the lesser counts, where nothing else tells.
  const [gone = '', last = ''] = [await make(), await make()].sort()
  await claimsOf(b).set(PAIR, { roomId: gone, generation: 1, maker: ALICE }, undefined)
  await b.rooms.memberships.join({ userId: BOB, roomId: last })
  const accepted = await b.core.context.read.invitations.one(BOB, last)
  if (accepted === undefined) return t.fail('Bob is not invited')
  await contestOn(b).consider(accepted)
  t.is((await claimsOf(b).ofPair(PAIR))?.roomId, last)
  t.deepEqual(await new DirectList(b.core.context.db).of(BOB, ALICE), [last])
})

test('who had declined, and asks now themselves, is asked again to the room that stays', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const won = await madeBy(a, ALICE, BOB)
  await b.rooms.memberships.leave({ userId: BOB, roomId: won })
  const lost = await madeBy(b, BOB, ALICE)
  await say(b, BOB, lost, 'after all')
  const asked = await a.core.context.read.invitations.one(ALICE, lost)
  if (asked === undefined) return t.fail('Alice is not invited')
  await contestOn(a).consider(asked)
  t.like(await a.core.context.read.invitations.one(ALICE, lost), { status: 'declined' })
  const again = await b.core.context.read.invitations.one(BOB, won)
  t.like(again, { status: 'invited' })
  if (again !== undefined) await contestOn(b).consider(again)
  t.deepEqual(await b.rooms.roomReading.joinedRooms(BOB), [won])
  t.deepEqual(await messagesOf(b, won), ['after all'])
})

test('an invitation of somebody who was sent away is for people to see', async t => {
  const world = new FederationWorld(t)
  const [a, b] = [await world.add('a.test'), await world.add('b.test')]
  const own = await madeBy(a, ALICE, BOB)
  await setState(a, ALICE, own, { type: 'm.room.member', stateKey: BOB, content: { membership: 'leave' } })
  const theirs = await madeBy(b, BOB, ALICE)
  const invitation = await a.core.context.read.invitations.one(ALICE, theirs)
  if (invitation === undefined) return t.fail('Alice is not invited')
  await contestOn(a).consider(invitation)
  t.like(await a.core.context.read.invitations.one(ALICE, theirs), { status: 'invited' })
})
