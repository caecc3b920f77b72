import test from 'ava'
import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { silentLog } from '../../core/log.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { guest } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import type { RoomCore } from '../rooms/index.ts'
import { InvitationFollower } from './follower.ts'
import { InvitationRecords } from './records.ts'
import { InvitationRedactions } from './redactions.ts'

const A = '@a:here.test'
const B = '@b:here.test'
const ABROAD = '@c:abroad.test'

const following = (core: RoomCore, clock: Clock) => {
  const { db: database, read, serverName } = core.context
  const records = new InvitationRecords(database)
  const parts = { database, read, records, clock, serverName, log: silentLog }
  const { writer } = core
  const redactions = () => new InvitationRedactions({ writer, database, records })
  return { records, follower: new InvitationFollower({ ...parts, redactions }) }
}

testDatabases(test, 'records follow the memberships of rooms, whoever changes them', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database, {
    remote: { invite: async ({ event }) => event },
  })
  const invitations = following(core, clock)
  const { memberships, roomCreation } = rooms
  const roomId = await roomCreation.create(newRoom(rooms, A, { invite: [B] }), { isDirect: false })
  await memberships.invite({ sender: A, userId: ABROAD, roomId, reason: 'come' })
  invitations.follower.start()
  t.teardown(() => invitations.follower.close())
  const recordOf = async (userId: string) => {
    await invitations.follower.caughtUp()
    return invitations.records.read.one(roomId, userId)
  }

  t.like(await recordOf(B), { status: 'invited', inviter: A }, 'also what was before it began')
  t.like(await recordOf(ABROAD), { status: 'invited', details: { comment: 'come' } })
  await memberships.leave({ userId: B, roomId, reason: 'no' })
  t.like(await recordOf(B), { status: 'declined', details: { answer: 'no' } })
  await memberships.kick({ sender: A, userId: ABROAD, roomId })
  t.is((await recordOf(ABROAD))?.status, 'cancelled')
  await memberships.invite({ sender: A, userId: B, roomId })
  await memberships.join({ userId: B, roomId })
  t.is((await recordOf(B))?.status, 'accepted')
  const changed = await invitations.records.read.changed(0, database.position('invitation_records'), 10)
  t.deepEqual(
    changed.map(record => record.userId),
    [ABROAD, B],
    'each once, in the order of its last change',
  )
})

testDatabases(
  test,
  'an invitation that a conflict has taken away is over, until another brings it back',
  async (t, database) => {
    const peers = new PeerRoom('11', [
      ...['CREATE: alice create', 'JA: alice join', 'PL: alice power alice=100 bob=50 me@here.test=50'],
      ...['JR: alice rule public', 'JB: bob join', 'ME: me@here.test join'],
      ...['INVITED: bob invite you@here.test < ME', 'SENT: me@here.test invite carol'],
      'DOWN: alice power alice=100 invite=50 < ME',
      'BACK: alice power alice=100 bob=50 me@here.test=50',
    ])
    const server = await guest(database, peers)
    const { follower, records } = following(server.core, server.clock)
    follower.start()
    t.teardown(() => follower.close())
    const statuses = async () => {
      await follower.caughtUp()
      const found = await records.read.ofUsers(peers.roomId, ['@you:here.test', '@carol:carol.test'])
      return found.map(({ status }) => status)
    }
    for (const name of ['INVITED', 'SENT']) await server.receive(name)
    t.deepEqual(await statuses(), ['invited', 'invited'])
    await server.receive('DOWN')
    t.is(await server.current('m.room.member', '@you:here.test'), undefined)
    t.deepEqual(await statuses(), ['cancelled', 'cancelled'])
    await server.receive('BACK')
    t.is(await server.current('m.room.member', '@carol:carol.test'), 'SENT')
    t.deepEqual(await statuses(), ['invited', 'invited'])
  },
)

testDatabases(
  test,
  'what the timeline passes over, as it was soft-failed, is on record once it holds after all',
  async (t, database) => {
    const YOU = '@you:here.test'
    const peers = new PeerRoom('11', [
      ...[
        'CREATE: alice create',
        'JA: alice join',
        'PL: alice power alice=100 bob=50',
        'JR: alice rule public',
      ],
      ...['JB: bob join', 'ME: me@here.test join'],
      ...['STRICT: alice power alice=100 invite=50 < ME', 'ASK: bob invite you@here.test < ME'],
      ...['MILD: alice power alice=100 bob=50 < STRICT', 'ASKED: alice say a < MILD ASK'],
      ...['AWAY: alice power alice=100 invite=50 < STRICT', 'BACK: alice power alice=100 bob=50 < AWAY'],
      ...['STERN: alice power alice=100 < ASKED BACK', 'KICK: bob kick you@here.test < ASKED BACK'],
      ...['KIND: alice power alice=100 bob=50 < STERN', 'KICKED: alice say b < KIND KICK'],
    ])
    const server = await guest(database, peers)
    const { follower, records } = following(server.core, server.clock)
    follower.start()
    t.teardown(() => follower.close())
    const status = async () => {
      await follower.caughtUp()
      return (await records.read.one(peers.roomId, YOU))?.status
    }
    await server.receive('STRICT')
    t.is((await server.receive('ASK')).outcome, 'soft-failed')
    t.is(await status(), undefined)
    for (const name of ['MILD', 'ASKED']) t.is((await server.receive(name)).outcome, 'accepted')
    t.is(await server.current('m.room.member', YOU), 'ASK')
    t.is(await status(), 'invited')
    await server.receive('AWAY')
    t.is(await status(), 'cancelled')
    await server.receive('BACK')
    t.is(await server.current('m.room.member', YOU), 'ASK')
    t.is(await status(), 'invited')
    await server.receive('STERN')
    t.is((await server.receive('KICK')).outcome, 'soft-failed')
    t.is(await status(), 'invited')
    for (const name of ['KIND', 'KICKED']) t.is((await server.receive(name)).outcome, 'accepted')
    t.is(await server.current('m.room.member', YOU), 'KICK')
    t.is(await status(), 'cancelled')
  },
)

testDatabases(test, 'invitations from outside are followed where no timeline tells', async (t, database) => {
  const left: JsonObject[] = []
  const { core, rooms, clock } = await testRooms(database, {
    remote: {
      leave: async ({ content }) => {
        left.push(content)
        throw new MatrixError('M_FORBIDDEN', 'refused')
      },
    },
  })
  const invitations = following(core, clock)
  invitations.follower.start()
  t.teardown(() => invitations.follower.close())
  const roomId = '!far:abroad.test'
  const receive = (eventId: string) =>
    database.commit({
      statements: [
        core.context.write.invitations.put(
          {
            ...{ userId: B, roomId, kind: 'invite', sender: ABROAD, updatedTs: clock.now(), eventId },
            event: { content: { membership: 'invite', reason: 'hello' } },
            ...{ roomVersion: '12', strippedState: [] },
          },
          { stream: 'invites', offset: 0 },
        ),
      ],
    })
  const recordOf = async () => {
    await invitations.follower.caughtUp()
    return invitations.records.read.one(roomId, B)
  }
  await receive('$1')
  const first = await recordOf()
  t.like(first, { status: 'invited', inviter: ABROAD, details: { comment: 'hello' } })
  await rooms.memberships.leave({ userId: B, roomId })
  t.is(left.length, 1)
  t.is((await recordOf())?.status, 'declined')
  // Who sees it as one of the user's own acts, though nobody took it, goes by a member event all the same.
  const { ending } = (await core.context.read.invitations.one(B, roomId)) ?? {}
  t.like(ending, { type: 'm.room.member', sender: B, state_key: B, content: { membership: 'leave' } })
  await receive('$2')
  const second = await recordOf()
  t.is(second?.status, 'invited')
  t.is((await core.context.read.invitations.one(B, roomId))?.ending, undefined)
  t.not(second?.recordId, first?.recordId)
})

testDatabases(
  test,
  'an answer is kept where this server came into the room after the invitation',
  async (t, database) => {
    const YOU = '@you:here.test'
    const peers = new PeerRoom('11', [
      ...['CREATE: alice create', 'JA: alice join', 'PL: alice power alice=100', 'JR: alice rule public'],
      ...['INVITED: alice invite you@here.test', 'ME: me@here.test join'],
    ])
    const server = await testRooms(database)
    const { core, rooms, clock } = server
    const { follower, records } = following(core, clock)
    follower.start()
    t.teardown(() => follower.close())
    const { eventId, sender, pdu: event } = peers.event('INVITED')
    const { roomId } = peers
    const invitation = {
      kind: 'invite',
      ...{ userId: YOU, roomId, sender, updatedTs: clock.now(), eventId, event },
      ...{ roomVersion: '11', strippedState: [] },
    } as const
    await database.commit({
      statements: [core.context.write.invitations.put(invitation, { stream: 'invites', offset: 0 })],
    })
    await peers.import(server, 'ME')
    const record = async () => {
      await follower.caughtUp()
      return records.read.one(roomId, YOU)
    }
    t.is((await record())?.status, 'invited')
    await rooms.memberships.leave({ userId: YOU, roomId, reason: 'no' })
    t.like(await record(), { status: 'declined', details: { answer: 'no' } })
  },
)

testDatabases(
  test,
  'words are taken back though the event is still cached with them',
  async (t, database) => {
    const { core, rooms, clock } = await testRooms(database)
    const { events } = core.context.read
    const roomId = await rooms.roomCreation.create(newRoom(rooms, A, { invite: [B] }), { isDirect: false })
    const reason = 'a secret'
    await rooms.memberships.leave({ userId: B, roomId, reason })
    const first = following(core, clock)
    const { records } = first
    first.follower.start()
    await first.follower.caughtUp()
    await first.follower.close()
    t.is((await records.read.one(roomId, B))?.details.answer, reason)

    const room = await core.context.read.rooms.byId(roomId)
    const nid = await core.context.read.state.point(room?.nid ?? 0, 'm.room.member', B)
    const [cached] = await events.byNids(nid === undefined ? [] : [nid])
    if (cached === undefined) return t.fail('not stored')
    const redacts = cached.event.eventId
    await rooms.sending.redaction(requesterOf(A), { roomId, redacts, txnId: 'r', reason: undefined })
    events.remember(cached)
    const { follower } = following(core, clock)
    follower.start()
    t.teardown(() => follower.close())
    await follower.caughtUp()
    const record = await records.read.one(roomId, B)
    t.is(record?.status, 'declined')
    t.is(record?.details.answer, undefined)
  },
)

testDatabases(test, 'who is invited again at once after they have left is invited', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { memberships, roomCreation } = rooms
  const roomId = await roomCreation.create(newRoom(rooms, A, { invite: [B] }), { isDirect: false })
  const { records, follower } = following(core, clock)
  follower.start()
  t.teardown(() => follower.close())
  for (let n = 0; n < 10; n++) {
    // Both events reach the follower in one go, and so does what the invitation has become in between.
    const leaving = memberships.leave({ userId: B, roomId })
    while ((await core.writer.head(roomId))?.memberships.get(B) !== 'leave') await Promise.resolve()
    await Promise.all([leaving, memberships.invite({ sender: A, userId: B, roomId })])
    await follower.caughtUp()
    t.is((await records.read.one(roomId, B))?.status, 'invited')
  }
})

testDatabases(test, 'a step that fails halfway and is done again changes nothing', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { memberships, roomCreation } = rooms
  const roomId = await roomCreation.create(newRoom(rooms, A, { invite: [B] }), { isDirect: false })
  await memberships.leave({ userId: B, roomId })
  await memberships.invite({ sender: A, userId: B, roomId })
  const first = following(core, clock)
  const stored = Promise.withResolvers<void>()
  first.follower.onInvited = async () => {
    stored.resolve()
    throw new Error('a failure')
  }
  first.follower.start()
  await stored.promise
  await first.follower.close()
  const before = await first.records.read.one(roomId, B)
  t.is(before?.status, 'invited')
  const { records, follower } = following(core, clock)
  follower.start()
  t.teardown(() => follower.close())
  await follower.caughtUp()
  t.deepEqual(await records.read.one(roomId, B), before)
})
