import type { PowerLevelState } from '../../core/auth/power-levels.ts'
import { boundedCache } from '../../core/caches.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { CompiledRules } from '../../core/push-rules/compile.ts'
import type { Person } from '../../core/push-rules/conditions.ts'
import { listeningGroup } from '../../core/push-rules/listening-group.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { type LocalMember, PushSourceReader } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { Sights } from '../rooms/room-sight.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { RuleBook } from './rule-book.ts'

/** A local user in a room. */
export interface Listener extends Person {
  readonly ignored: ReadonlySet<string>
  /** Where their membership came to be what it is. */
  readonly since: number
}

/** Local users in a room who have the same rules. */
export interface ListenerGroup {
  readonly rules: CompiledRules
  /** Those whose rules are the same in this room have the same. */
  readonly groupId: number
  readonly listeners: readonly Listener[]
  /** Those of them who ignore anybody. */
  readonly ignoring: readonly Listener[]
}

/** What decides, of a room, whom its events notify. */
export interface Audience {
  readonly groups: readonly ListenerGroup[]
  /** Everybody in them, with the IDs of their groups. */
  readonly members: ReadonlyMap<string, number>
  readonly memberCount: number
  readonly power: PowerLevelState
  /** The greatest `since`. */
  readonly newest: number
}

const NOBODY: ReadonlySet<string> = new Set()

/** Knows who in a room listens by which rules, as long as neither members nor powers nor rules change. */
export class RoomAudiences {
  readonly #context: RoomsContext
  readonly #sights: Sights
  readonly #source: PushSourceReader
  readonly #rules: RuleBook
  readonly #rooms = boundedCache<number, Audience>('push_audiences')
  #edition = 0

  constructor({ context, sights, rules }: { context: RoomsContext; sights: Sights; rules: RuleBook }) {
    this.#context = context
    this.#sights = sights
    this.#source = new PushSourceReader(context.db)
    this.#rules = rules
  }

  /** The members or powers of these rooms have changed. */
  forget(roomNids: Iterable<number>): void {
    for (const roomNid of roomNids) this.#rooms.delete(roomNid)
  }

  /** The members or powers of any room may have changed. */
  forgetAll(): void {
    this.#rooms.clear()
  }

  /** Who listens to the room of an event. */
  of(stored: StoredEvent): Answer<Audience> {
    if (this.#edition !== this.#rules.edition) this.#followRules()
    return this.#rooms.get(stored.roomNid) ?? this.#learn(stored)
  }

  /** Whoever has set rules, or ignored somebody, makes another audience of the rooms that they are in, and of no others. */
  #followRules(): void {
    const changed = this.#rules.changedSince(this.#edition)
    this.#edition = this.#rules.edition
    for (const [roomNid, { members }] of [...this.#rooms.entries()])
      if (changed === undefined || changed.some(userId => members.has(userId))) this.#rooms.delete(roomNid)
  }

  async #learn(stored: StoredEvent): Promise<Audience> {
    const audience = await this.#load(stored)
    if ((await this.#context.read.partial.open(stored.roomNid)) !== undefined) return withUnknown(audience)
    this.#rooms.set(stored.roomNid, audience)
    return audience
  }

  /** Of those who are in the room now, those who were not when the event came. */
  latecomers(audience: Audience, stored: StoredEvent): Answer<ReadonlySet<string>> {
    return audience.newest < (stored.position ?? 0) ? NOBODY : this.#late(audience, stored)
  }

  async #late({ groups }: Audience, { roomNid, position = 0 }: StoredEvent): Promise<Set<string>> {
    const late = new Set<string>()
    for (const { userId, since } of groups.flatMap(({ listeners }) => listeners)) {
      if (since < position) continue
      // The present membership may be no more than a new name.
      const nid = await this.#context.read.state.point(roomNid, 'm.room.member', userId, position)
      const [member] = nid === undefined ? [] : await this.#context.read.events.byNids([nid])
      if (member === undefined || membershipOf(member.event) !== 'join') late.add(userId)
    }
    return late
  }

  /** Of those to whom an event on a fork shows another membership of theirs than the timeline, those who may not see it. */
  async blind(stored: StoredEvent): Promise<Set<string>> {
    const { nid, roomNid } = stored
    const { read, serverName } = this.#context
    const blind = new Set<string>()
    for (const { type, stateKey: userId } of await read.state.delta(nid)) {
      if (type !== 'm.room.member' || serverNameOf(userId) !== serverName) continue
      const fork = (await this.#sights.forks([nid], userId)).get(nid)
      const sight = await this.#sights.of(roomNid, userId)
      if (!sight.sees(stored, fork)) blind.add(userId)
    }
    return blind
  }

  async #load({ roomNid, event: { roomId, version } }: StoredEvent): Promise<Audience> {
    const { serverName } = this.#context
    const members = await this.#source.localMembers(roomNid, serverName)
    const groups = await this.#groups(members, roomId)
    return {
      groups,
      members: new Map(
        groups.flatMap(({ groupId, listeners }) => listeners.map(({ userId }) => [userId, groupId] as const)),
      ),
      memberCount: members.length === 0 ? 0 : await this.#source.joinedCount(roomNid),
      power: await powerOf(this.#context, roomNid, version),
      newest: members.reduce((newest, { position }) => Math.max(newest, position), 0),
    }
  }

  async #groups(members: readonly LocalMember[], roomId: string): Promise<ListenerGroup[]> {
    const settings = await this.#rules.of(members.map(({ userId }) => userId))
    const groups = new Map<CompiledRules, { groupId: number; listeners: Listener[] }>()
    for (const [index, member] of members.entries()) {
      const one = settings[index]
      if (one === undefined) continue
      const { rules, own, ignored } = one
      const group = groups.get(rules) ?? { groupId: listeningGroup(own, roomId), listeners: [] }
      groups.set(rules, group)
      const displayName = rules.needsDisplayName ? await this.#displayName(member) : undefined
      group.listeners.push({ userId: member.userId, displayName, ignored, since: member.position })
    }
    return [...groups].map(([rules, { groupId, listeners }]) => {
      return { rules, groupId, listeners, ignoring: listeners.filter(({ ignored }) => ignored.size > 0) }
    })
  }

  async #displayName({ eventNid }: LocalMember): Promise<string | undefined> {
    const [member] = await this.#context.read.events.byNids([eventNid])
    const name = member && contentShown(member)['displayname']
    return typeof name === 'string' ? name : undefined
  }
}

/** While not all members are known, a room is no conversation of two. */
const withUnknown = (audience: Audience): Audience => ({
  ...audience,
  memberCount: Math.max(audience.memberCount, 3),
})

/** The events of a room that say who has which power. */
export const powerOf = async (
  { read }: Pick<RoomsContext, 'read'>,
  roomNid: number,
  version: RoomVersion,
): Promise<PowerLevelState> => {
  const [createNid, powerNid] = await Promise.all([
    read.state.point(roomNid, 'm.room.create', ''),
    read.state.point(roomNid, 'm.room.power_levels', ''),
  ])
  const event = async (nid: number | undefined): Promise<StoredEvent['event'] | undefined> =>
    nid === undefined ? undefined : (await read.events.byNids([nid]))[0]?.event
  return { version, create: await event(createNid), powerLevels: await event(powerNid) }
}
