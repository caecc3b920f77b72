import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { following } from '../../test-kit/following-invitations.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const A = '@a:here.test'
const B = '@b:here.test'
const ABROAD = '@c:abroad.test'

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

testDatabases(test, 'the words of an invitation go with whoever is banned for them', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const { memberships, roomCreation, sending } = rooms
  const roomId = await roomCreation.create(newRoom(rooms, A, { isPublic: true }), { isDirect: false })
  await memberships.join({ userId: B, roomId })
  const { records, follower } = following(core, clock)
  follower.start()
  t.teardown(() => follower.close())
  const invited = '@d:here.test'
  await memberships.invite({ sender: B, userId: invited, roomId, reason: 'buy this' })
  const told = async () => {
    await follower.caughtUp()
    const invitation = await core.context.read.invitations.one(invited, roomId)
    const { details } = (await records.read.one(roomId, invited)) ?? {}
    return [details?.comment, JSON.stringify(invitation).includes('buy this')]
  }
  t.deepEqual(await told(), ['buy this', true])
  await sending.state(requesterOf(A), {
    ...{ roomId, type: 'm.room.member', stateKey: B },
    content: { membership: 'ban', 'org.matrix.msc4293.redact_events': true },
  })
  t.deepEqual(await told(), [undefined, false])
})

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
