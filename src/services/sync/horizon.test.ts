import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import type { SyncBody } from '../../test-kit/people.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { bodies, types } from '../../test-kit/shown.ts'

const ANN = '@ann:here.test'
const BOB = '@bob:here.test'

const members = (answer: SyncBody, roomId: string): unknown[] =>
  (answer.rooms?.join?.[roomId]?.timeline.events ?? [])
    .filter(event => event.state_key === BOB)
    .map(({ content }) => content['displayname'])

testDatabases(
  test,
  'what has happened but is not followed yet does not exist, also where it concerns memberships',
  async (t, database) => {
    const rooms = await testRooms(database)
    let horizon = Number.MAX_SAFE_INTEGER
    const { ask, close } = testSync(rooms, database, () => horizon)
    t.teardown(close)
    const { memberships, roomCreation, sending } = rooms.rooms
    const stopFollowing = () => {
      horizon = database.position('events')
    }
    const say = (roomId: string, body: string) =>
      sending.message(requesterOf(ANN), { roomId, type: 'm.room.message', txnId: body, content: { body } })
    const rename = (roomId: string, displayname: string) =>
      sending.state(requesterOf(BOB), {
        roomId,
        type: 'm.room.member',
        stateKey: BOB,
        content: { membership: 'join', displayname },
      })
    const roomId = await roomCreation.create(newRoom(rooms.rooms, ANN, { isPublic: true }), {
      isDirect: false,
    })
    let { next_batch: since } = await ask(BOB)

    // Joined, and renamed since: the room is new to the client, whatever the membership's newest event is.
    await memberships.join({ userId: BOB, roomId })
    stopFollowing()
    await rename(roomId, 'later')
    let answer = await ask(BOB, { since })
    t.true(types(answer.rooms?.join?.[roomId]?.timeline.events).includes('m.room.create'))
    t.deepEqual(members(answer, roomId), ['bob'])
    t.deepEqual(members(await ask(BOB), roomId), ['bob'])
    since = answer.next_batch
    horizon = Number.MAX_SAFE_INTEGER
    answer = await ask(BOB, { since })
    t.deepEqual(members(answer, roomId), ['later'])
    t.deepEqual(answer.rooms?.join?.[roomId]?.state?.events, [], 'no longer new')

    // Left meanwhile: until that is followed, the client is in the room.
    since = answer.next_batch
    await say(roomId, 'before')
    stopFollowing()
    await memberships.leave({ userId: BOB, roomId })
    await say(roomId, 'after')
    answer = await ask(BOB, { since })
    t.deepEqual(bodies(answer.rooms?.join?.[roomId]?.timeline.events), ['before'])
    t.deepEqual(bodies((await ask(BOB)).rooms?.join?.[roomId]?.timeline.events), ['before'])
    horizon = Number.MAX_SAFE_INTEGER
    const left = (await ask(BOB, { since: answer.next_batch })).rooms?.leave?.[roomId]
    t.deepEqual(
      left?.timeline.events.map(({ content }) => content['membership']),
      ['leave'],
    )
    t.deepEqual(bodies((await ask(BOB, { since })).rooms?.leave?.[roomId]?.timeline.events), ['before'])

    // Joined again, and not followed: not told, not even initially.
    stopFollowing()
    await memberships.join({ userId: BOB, roomId })
    t.is((await ask(BOB)).rooms, undefined)

    // Left, and joined again since: each is told in its time.
    horizon = Number.MAX_SAFE_INTEGER
    since = (await ask(BOB)).next_batch
    await memberships.leave({ userId: BOB, roomId })
    stopFollowing()
    await memberships.join({ userId: BOB, roomId })
    answer = await ask(BOB, { since })
    t.deepEqual(
      answer.rooms?.leave?.[roomId]?.timeline.events.map(({ content }) => content['membership']),
      ['leave'],
    )
    horizon = Number.MAX_SAFE_INTEGER
    answer = await ask(BOB, { since: answer.next_batch })
    t.true(types(answer.rooms?.join?.[roomId]?.timeline.events).includes('m.room.member'))
  },
)
