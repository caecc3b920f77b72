import assert from 'node:assert/strict'
import test from 'ava'
import fc from 'fast-check'
import { MatrixError } from '../../core/errors.ts'
import { roomEventFilter } from '../../core/filter.ts'
import { beginConversation, conversationRuns, PEOPLE, step } from '../../test-kit/conversation.ts'
import { asSeenBy, type LoggedEvent, logOf, stateAtEnd, stayOf } from '../../test-kit/conversation-truth.ts'
import { testDatabases } from '../../test-kit/database.ts'
import type { SyncStep } from '../../test-kit/following-client.ts'
import type { ShownEvent } from '../../test-kit/people.ts'
import { testSync } from '../../test-kit/room-sync.ts'
import { requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { testSlidingSync } from '../../test-kit/sliding.ts'
import type { Requester } from '../requester.ts'
import type { RoomHistory } from '../rooms/room-history.ts'
import type { SlidingSync } from './index.ts'

interface ShownRoom {
  readonly initial?: boolean
  readonly membership?: string
  readonly expanded_timeline?: boolean
  readonly limited?: boolean
  readonly num_live?: number
  readonly prev_batch: string
  readonly joined_count?: number
  readonly timeline: readonly ShownEvent[]
  readonly required_state: readonly ShownEvent[]
}

/** What a client has put together of a room. */
interface Belief {
  isJoined: boolean
  timeline: string[]
  state: Map<string, string>
  members: number | undefined
  /** Where to go on backwards from the first event. */
  readonly back: string
}

const signal = new AbortController().signal

/** A client that follows one room by sliding sync, and fills gaps by `/messages`. */
class SlidingClient {
  readonly requester: Requester
  readonly #sliding: () => SlidingSync
  readonly #history: RoomHistory
  readonly #roomId: string
  belief: Belief | undefined
  #pos: string | undefined

  constructor(
    services: { sliding: () => SlidingSync; history: RoomHistory },
    requester: Requester,
    roomId: string,
  ) {
    this.#sliding = services.sliding
    this.#history = services.history
    this.requester = requester
    this.#roomId = roomId
  }

  async sync({ limit, pageLimit, mode }: SyncStep): Promise<void> {
    const list = { ranges: [[0, 9]], timeline_limit: limit, required_state: [['*', '*']] }
    const pos = mode === 'fresh' ? undefined : this.#pos
    const body = { lists: { all: list } }
    const asked = { body, pos, timeoutMs: 0 }
    const text = await this.#sliding()
      .simplified(this.requester, asked, signal)
      .catch(error => {
        assert.ok(error instanceof MatrixError && error.errcode === 'M_UNKNOWN_POS' && pos !== undefined)
      })
    if (text === undefined) {
      this.#pos = undefined
      await this.sync({ limit, pageLimit, mode, fill: 'b' })
      return
    }
    if (mode === 'lost') return
    const answer = JSON.parse(text) as { pos: string; rooms: Record<string, ShownRoom> }
    if (pos === undefined) this.belief = undefined
    const room = answer.rooms[this.#roomId]
    if (room !== undefined) await this.#take(room, pos, pageLimit)
    this.#pos = answer.pos
  }

  /** Goes back to the beginning of what the user may see. */
  async readAll(): Promise<void> {
    const { belief } = this
    if (belief !== undefined)
      belief.timeline.unshift(...(await this.#page(belief.back, undefined, 3)).reverse())
  }

  async #take(room: ShownRoom, since: string | undefined, pageLimit: number): Promise<void> {
    // Of a room to which an invitation has ended nothing is told but that.
    const isTold = room.initial !== true || room.required_state.some(({ type }) => type === 'm.room.create')
    if (room.membership === 'invite' || !isTold) {
      this.belief = undefined
      return
    }
    const events = room.timeline.map(({ event_id }) => event_id)
    const known = this.belief
    if (room.initial === true || known === undefined) {
      assert.equal(room.initial, true)
      const isJoined = room.membership === 'join'
      this.belief = {
        isJoined,
        timeline: events,
        state: new Map(),
        members: undefined,
        back: room.prev_batch,
      }
    } else {
      const live = room.num_live ?? 0
      if (room.limited === true && live === events.length)
        known.timeline.push(...(await this.#page(room.prev_batch, since, pageLimit)).reverse())
      known.timeline.push(...(room.expanded_timeline === true ? events.slice(events.length - live) : events))
      if (room.membership !== undefined) known.isJoined = room.membership === 'join'
    }
    const belief = this.belief
    if (belief === undefined) return
    belief.members = room.joined_count ?? belief.members
    for (const { type, state_key, event_id } of room.required_state)
      belief.state.set(`${type} ${state_key}`, event_id)
  }

  async #page(from: string, to: string | undefined, limit: number): Promise<string[]> {
    const events: string[] = []
    for (let token: string | undefined = from; token !== undefined; ) {
      const request = { direction: 'b', from: token, to, limit, filter: roomEventFilter(undefined) } as const
      const page = await this.#history.messages(this.requester, this.#roomId, request)
      events.push(...page.chunk.map(text => (JSON.parse(text) as ShownEvent).event_id))
      token = page.end
    }
    return events
  }
}

const truthFor = (userId: string, log: readonly LoggedEvent[]) => {
  const { isJoined, end } = stayOf(userId, log)
  const state = stateAtEnd(log)
  const members = log.filter(
    event =>
      state.get(`m.room.member ${event.stateKey}`) === event.eventId &&
      event.content['membership'] === 'join',
  )
  return {
    isJoined,
    timeline: asSeenBy(userId, log)
      .slice(0, end)
      .filter(({ isVisible }) => isVisible)
      .map(({ event }) => event.eventId),
    state: isJoined ? [...state].map(([key, id]) => `${key}: ${id}`).sort() : [],
    members: isJoined ? members.length : undefined,
  }
}

const beliefOf = (belief: Belief, userId: string, log: readonly LoggedEvent[]) => {
  const { end } = stayOf(userId, log)
  const index = new Map(log.map((event, at) => [event.eventId, at]))
  return {
    isJoined: belief.isJoined,
    // Beyond their leaving people are told of themselves alone.
    timeline: belief.timeline.filter(id => (index.get(id) ?? 0) < end),
    state: belief.isJoined ? [...belief.state].map(([key, id]) => `${key}: ${id}`).sort() : [],
    members: belief.isJoined ? belief.members : undefined,
  }
}

/** What the server does: it stores connections now and then, and is killed and started again. */
const ofServer = fc.constantFrom('stores', 'restarts')

testDatabases(
  test,
  'clients that follow a random conversation by windows have what they may see, each event once, in order, whatever restarts come between',
  async (t, database) => {
    t.timeout(600_000)
    const rooms = await testRooms(database)
    const { sync, streams, close } = testSync(rooms, database)
    t.teardown(close)
    let sliding = testSlidingSync(rooms, streams, database)
    let count = 0
    const anything = fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: ofServer })
    const property = fc.asyncProperty(fc.array(anything, { minLength: 20, maxLength: 80 }), async steps => {
      const conversation = await beginConversation(rooms, sync, String(count++))
      const { roomId } = conversation
      const services = { sliding: () => sliding, history: rooms.rooms.roomHistory }
      const clients = PEOPLE.map(
        name => [name, new SlidingClient(services, requesterOf(conversation.id(name)), roomId)] as const,
      )
      const byName = new Map(clients)
      for (const one of steps) {
        if (one === 'stores') await sliding.close()
        else if (one === 'restarts') sliding = testSlidingSync(rooms, streams, database)
        else if ('step' in one) await byName.get(one.who)?.sync(one.step)
        else await conversation.run(one)
      }
      const log = await logOf(rooms.core.context.read, roomId)
      for (const client of byName.values()) {
        await client.sync({ limit: 5, pageLimit: 3, mode: 'normal', fill: 'b' })
        await client.readAll()
        const { userId } = client.requester
        const truth = truthFor(userId, log)
        if (truth.isJoined) assert.ok(client.belief, `${userId} was not told of the room`)
        if (client.belief) assert.deepEqual(beliefOf(client.belief, userId, log), truth)
      }
    })
    await fc.assert(property, { numRuns: conversationRuns(database), includeErrorInReport: true })
    t.pass()
  },
)
