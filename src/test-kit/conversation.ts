/** Random conversations: people talk, come and go, and follow with their clients what is going on. */
import fc from 'fast-check'
import type { Sync } from '../services/sync/sync.ts'
import type { Database } from '../storage/database.ts'
import { FollowingClient, type SyncStep } from './following-client.ts'
import { type FilterPlan, NO_FILTER_PLAN, type View, viewOf } from './random-filter.ts'
import { newRoom, requesterOf, type TestRooms } from './rooms.ts'

/**
 * How many random conversations a run of the tests looks at. They are others each time, so that many runs find what one
 * misses; `TESSERA_CONVERSATIONS=1000` looks longer.
 */
const CONVERSATIONS = Number(process.env['TESSERA_CONVERSATIONS'] ?? 9)
export const conversationRuns = ({ dialect }: Database): number =>
  dialect.name === 'sqlite' ? CONVERSATIONS : Math.ceil(CONVERSATIONS / 3)

export const PEOPLE = ['ann', 'bob', 'cat'] as const
export type Name = (typeof PEOPLE)[number]

const who = fc.constantFrom<Name>(...PEOPLE)
const other = fc.constantFrom<Name>('bob', 'cat')
export const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('say'), who, url: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('name'), who, n: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('topic'), who, n: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('show'),
      visibility: fc.constantFrom('world_readable', 'shared', 'invited', 'joined'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('join'), who: other }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('leave'), who: other }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constantFrom('invite', 'kick', 'ban', 'unban'), who: other }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('redact'), who, n: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('sync'),
      who,
      client: fc.nat(1),
      step: fc.record<SyncStep>({
        limit: fc.integer({ min: 1, max: 6 }),
        pageLimit: fc.integer({ min: 1, max: 7 }),
        mode: fc.oneof(
          { weight: 6, arbitrary: fc.constant('normal' as const) },
          { weight: 2, arbitrary: fc.constant('lost' as const) },
          { weight: 1, arbitrary: fc.constant('fresh' as const) },
        ),
        fill: fc.constantFrom('b' as const, 'f' as const),
      }),
    }),
  },
)

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One room of one conversation, with two clients of everybody. */
export class Conversation {
  readonly rooms: TestRooms
  readonly clients: ReadonlyMap<Name, readonly FollowingClient<View>[]>
  readonly roomId: string
  readonly #tag: string
  readonly #said: { eventId: string; by: string; url: boolean }[] = []
  #count = 0

  constructor(
    rooms: TestRooms,
    roomId: string,
    tag: string,
    clients: ReadonlyMap<Name, readonly FollowingClient<View>[]>,
  ) {
    this.rooms = rooms
    this.roomId = roomId
    this.#tag = tag
    this.clients = clients
  }

  id(name: Name): string {
    return `@${name}${this.#tag}:here.test`
  }

  /** What the room does not allow does not happen. */
  async run(one: Step): Promise<void> {
    if ('step' in one) return this.clients.get(one.who)?.[one.client]?.sync(one.step)
    await this.#act(one).catch(error => {
      if (error.errcode !== 'M_FORBIDDEN' && error.errcode !== 'M_BAD_STATE') throw error
    })
  }

  async #act(one: Exclude<Step, { step: SyncStep }>): Promise<void> {
    const { memberships, sending } = this.rooms.rooms
    const { roomId } = this
    const userId = 'who' in one ? this.id(one.who) : ''
    const requester = requesterOf(userId)
    const state = (by: string, type: string, stateKey: string, content: Record<string, string>) =>
      sending.state(requesterOf(by), { roomId, type, stateKey, content })
    const txnId = `t${this.#count++}`
    if ('url' in one) {
      const content = { body: txnId, ...(one.url ? { url: 'mxc://x/y' } : {}) }
      const type = this.#count % 3 === 0 ? 'm.sticker' : 'm.room.message'
      const { eventId } = await sending.message(requester, { roomId, type, txnId, content })
      this.#said.push({ eventId, by: userId, url: one.url })
    } else if (one.does === 'topic') await state(userId, 'm.room.topic', '', { topic: `${one.n}` })
    else if (one.does === 'name')
      await state(userId, 'm.room.member', userId, { membership: 'join', displayname: `${one.n}` })
    else if ('visibility' in one)
      await state(this.id('ann'), 'm.room.history_visibility', '', { history_visibility: one.visibility })
    else if (one.does === 'redact') await this.#redact(one, userId, txnId)
    else if (one.does === 'join' || one.does === 'leave') await memberships[one.does]({ userId, roomId })
    else if (one.does === 'invite' || one.does === 'kick' || one.does === 'ban' || one.does === 'unban')
      await memberships[one.does]({ sender: this.id('ann'), userId, roomId })
  }

  async #redact({ n }: { n: number }, userId: string, txnId: string): Promise<void> {
    // Without a url there is nothing that a filter would look for.
    const own = this.#said.filter(({ by, url }) => by === userId && !url)
    const redacts = own[n % Math.max(own.length, 1)]?.eventId
    if (redacts === undefined) return
    const { sending } = this.rooms.rooms
    await sending.redaction(requesterOf(userId), { roomId: this.roomId, redacts, txnId, reason: undefined })
  }
}

/** Clients of each person. */
const CLIENTS = 2

/** As many plans as there are clients. */
export const ALL_CLIENTS = PEOPLE.length * CLIENTS

/**
 * Makes the room and everybody's clients; `tag` tells this conversation's people from those of others.
 *
 * @param plans by which filters the clients follow; without one they have none
 */
export const beginConversation = async (
  rooms: TestRooms,
  sync: Sync,
  tag: string,
  plans: readonly FilterPlan[] = [],
): Promise<Conversation> => {
  const idOf = (name: string): string => `@${name}${tag}:here.test`
  const roomId = await rooms.rooms.roomCreation.create(
    newRoom(rooms.rooms, idOf('ann'), {
      isPublic: false,
      preset: 'public_chat',
      powerLevelOverride: { state_default: 0, events: {} },
    }),
    { isDirect: false },
  )
  const services = { sync, roomHistory: rooms.rooms.roomHistory }
  const clients = new Map(
    PEOPLE.map((name, index) => [
      name,
      Array.from({ length: CLIENTS }, (_, n) => {
        const view = viewOf(plans[index * CLIENTS + n] ?? NO_FILTER_PLAN, idOf, roomId)
        return new FollowingClient<View>(services, requesterOf(idOf(name), `D${n}`), view)
      }),
    ]),
  )
  return new Conversation(rooms, roomId, tag, clients)
}
