import assert from 'node:assert/strict'
import test from 'ava'
import fc from 'fast-check'
import {
  ALL_CLIENTS,
  beginConversation,
  type Conversation,
  conversationRuns,
  PEOPLE,
  step,
} from '../../test-kit/conversation.ts'
import { asSeenBy, type LoggedEvent, logOf, stateAtEnd, stayOf } from '../../test-kit/conversation-truth.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { FollowedRoom, FollowingClient } from '../../test-kit/following-client.ts'
import { filterPlan, type View } from '../../test-kit/random-filter.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { testRooms } from '../../test-kit/rooms.ts'
import { sightOf } from '../rooms/room-sight.ts'

/** What a client believes, as one value that can be compared. */
const beliefOf = (room: FollowedRoom, userId: string, log: readonly LoggedEvent[], view: View) => {
  const { end } = stayOf(userId, log)
  const index = new Map(log.map((event, at) => [event.eventId, at]))
  return {
    isJoined: room.isJoined,
    // Beyond their leaving people are told of themselves alone: bans, refused invitations.
    timeline: room.timeline.map(event => event.event_id).filter(id => (index.get(id) ?? 0) < end),
    state: room.isJoined ? comparable(room.state, view) : [],
    members: room.isJoined ? room.summary['m.joined_member_count'] : undefined,
  }
}

const truthFor = (userId: string, log: readonly LoggedEvent[], view: View) => {
  const { isJoined, end } = stayOf(userId, log)
  const seen = asSeenBy(userId, log).slice(0, end)
  const state = stateAtEnd(log)
  const memberships = log.filter(event => state.get(`m.room.member ${event.stateKey}`) === event.eventId)
  return {
    isJoined,
    timeline: seen.filter(one => one.isVisible && view.passes(one.event)).map(one => one.event.eventId),
    state: isJoined ? comparable(state, view) : [],
    members: isJoined
      ? memberships.filter(event => event.content['membership'] === 'join').length
      : undefined,
  }
}

/** With lazy loading a client does not have all members. */
const comparable = (state: ReadonlyMap<string, string>, view: View): string[] =>
  [...state]
    .filter(([key]) => !view.lazy || !key.startsWith('m.room.member '))
    .map(([key, eventId]) => `${key}: ${eventId}`)
    .sort()

/** Whatever was handed over could be seen, and says rightly what its reader was at that moment. */
const checkReceived = ({ received, requester }: FollowingClient<View>, log: readonly LoggedEvent[]): void => {
  const seen = new Map(asSeenBy(requester.userId, log).map(one => [one.event.eventId, one]))
  for (const { event } of received) {
    const truth = seen.get(event.event_id)
    const isOwn = event.type === 'm.room.member' && event.state_key === requester.userId
    assert.ok(truth?.isVisible || isOwn, `${requester.userId} was shown ${event.type} ${event.event_id}`)
    assert.equal(event.unsigned?.['membership'], truth?.membership, `membership at ${event.type}`)
  }
}

/** What is remembered of a user's sight and taken up where it ended is what one would find from scratch. */
const checkSight = async ({ rooms, roomId }: Conversation, userId: string): Promise<void> => {
  const { read } = rooms.core.context
  const roomNid = (await read.rooms.byId(roomId))?.nid ?? 0
  const remembered = await rooms.core.views.sights.of(roomNid, userId)
  const { ranges, joins } = await sightOf(read, roomNid, userId)
  assert.deepEqual({ ranges: remembered.ranges, joins: remembered.joins }, { ranges, joins })
}

const plans = fc.array(filterPlan(PEOPLE), { minLength: ALL_CLIENTS, maxLength: ALL_CLIENTS })

const check = async (conversation: Conversation): Promise<void> => {
  const last = { limit: 5, pageLimit: 3, mode: 'normal', fill: 'b' } as const
  for (const name of PEOPLE) {
    for (const client of conversation.clients.get(name) ?? []) {
      await client.sync(last)
      await client.readAll(3)
      const log = await logOf(conversation.rooms.core.context.read, conversation.roomId)
      const { userId } = client.requester
      const { isJoined } = stayOf(userId, log)
      const { hasRoom, lazy } = client.options
      assert.equal(client.rooms.get(conversation.roomId)?.isJoined === true, isJoined && hasRoom)
      for (const room of client.rooms.values()) {
        assert.ok(hasRoom, 'told of a room that its filter leaves out')
        const truth = truthFor(userId, log, client.options)
        assert.deepEqual(beliefOf(room, userId, log, client.options), truth)
        // Lazy loading: "the membership events … for users which are the senders of events in the timeline".
        const unknown = [...room.senders].filter(sender => lazy && !room.state.has(`m.room.member ${sender}`))
        assert.deepEqual(unknown, [], 'senders without their member events')
      }
      checkReceived(client, log)
      await checkSight(conversation, userId)
    }
  }
}

testDatabases(
  test,
  'clients that follow a random conversation by random filters have what they may see, each event once, in order',
  async (t, database) => {
    t.timeout(600_000)
    const rooms = await testRooms(database)
    const { sync, close } = testSync(rooms, database)
    t.teardown(close)
    let count = 0
    await fc.assert(
      fc.asyncProperty(plans, fc.array(step, { minLength: 20, maxLength: 80 }), async (filters, steps) => {
        const conversation = await beginConversation(rooms, sync, String(count++), filters)
        for (const one of steps) await conversation.run(one)
        await check(conversation)
      }),
      { numRuns: conversationRuns(database), includeErrorInReport: true },
    )
    t.pass()
  },
)
