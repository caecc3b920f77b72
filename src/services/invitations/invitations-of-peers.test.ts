import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { following } from '../../test-kit/following-invitations.ts'
import { guest } from '../../test-kit/guest.ts'
import { PeerRoom } from '../../test-kit/peer-room.ts'
import { testRooms } from '../../test-kit/rooms.ts'

const B = '@b:here.test'
const ABROAD = '@c:abroad.test'

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
  'a join on another branch is no answer where the state of the room has the invitation',
  async (t, database) => {
    const peers = new PeerRoom('11', [
      ...['CREATE: alice create', 'JA: alice join', 'PL: alice power alice=100 me@here.test=50'],
      ...['JR: alice rule public', 'ME: me@here.test join', 'KNOCK: alice rule knock < ME'],
      // The join stands before these levels, and asks for an invitation then.
      'LATER: alice power alice=100 bob=50 me@here.test=50 < KNOCK',
      ...['SENT: me@here.test invite carol < LATER', 'CAME: carol join < ME'],
    ])
    const server = await guest(database, peers)
    const { follower, records } = following(server.core, server.clock)
    follower.start()
    t.teardown(() => follower.close())
    for (const name of ['KNOCK', 'LATER', 'SENT', 'CAME']) {
      await server.receive(name)
      await follower.caughtUp()
    }
    t.is(await server.current('m.room.member', '@carol:carol.test'), 'SENT')
    t.is((await records.read.one(peers.roomId, '@carol:carol.test'))?.status, 'invited')
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
