import { type AppService, isClaimed, isCovered, isUserOf } from '../../core/app-service.ts'
import { boundedCache } from '../../core/caches.ts'
import { serverNameOf } from '../../core/ids.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomRow } from '../../storage/rooms/rooms.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** A stretch of the `events` stream. */
export interface EventSpan {
  readonly after: number
  readonly upTo: number
}

/** Knows in which rooms a service is interested (application-service API, "Registration"). */
export class AppServiceAudience {
  readonly #service: AppService
  readonly #context: RoomsContext
  readonly #source: PushSourceReader
  /** The service's users who are in a room now, by its nid. */
  readonly #members = boundedCache<number, readonly string[]>('app_service_audiences')

  constructor(service: AppService, context: RoomsContext) {
    this.#service = service
    this.#context = context
    this.#source = new PushSourceReader(context.db, context.read.news)
  }

  /** A local user who is the service's. */
  isOwn(userId: string): boolean {
    return serverNameOf(userId) === this.#context.serverName && isUserOf(this.#service, userId)
  }

  /** Whether a user of the service is nobody else's: its sender, or in an exclusive namespace. */
  isExclusive(userId: string): boolean {
    return userId === this.#service.senderId || isClaimed(this.#service.users, userId)
  }

  /** The service's users who are in a room now. */
  async members(roomNid: number): Promise<readonly string[]> {
    const known = this.#members.get(roomNid)
    if (known !== undefined) return known
    const locals = await this.#source.localMembers(roomNid, this.#context.serverName)
    const members = locals.map(({ userId }) => userId).filter(userId => this.isOwn(userId))
    this.#members.set(roomNid, members)
    return members
  }

  /** Whether rooms can be in a namespace of the service at all. */
  get namesRooms(): boolean {
    const { rooms, aliases } = this.#service
    return rooms.length > 0 || aliases.length > 0
  }

  /** Whether a room is in a namespace of the service, by its ID or an alias. */
  async isNamed(roomId: string): Promise<boolean> {
    return (await this.named([roomId])).has(roomId)
  }

  /** Those of these rooms that are in a namespace of the service, by their IDs or an alias. */
  async named(roomIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { rooms, aliases } = this.#service
    const named = new Set(roomIds.filter(roomId => isCovered(rooms, roomId)))
    const others = aliases.length === 0 ? [] : roomIds.filter(roomId => !named.has(roomId))
    for (const { roomId, alias } of await this.#context.read.aliases.ofRooms(others))
      if (isCovered(aliases, alias)) named.add(roomId)
    return named
  }

  /** Those of these rooms of which what passes there (typing, receipts) is for the service. */
  async interestingOf(rooms: readonly RoomRow[]): Promise<RoomRow[]> {
    const named = await this.named(rooms.map(({ roomId }) => roomId))
    const interesting: RoomRow[] = []
    for (const room of rooms)
      if (named.has(room.roomId) || (await this.members(room.nid)).length > 0) interesting.push(room)
    return interesting
  }

  /** Those of these events of one stretch that are for the service, in their order. */
  async select(events: readonly StoredEvent[], span: EventSpan): Promise<StoredEvent[]> {
    const moved = await this.#moved([...new Set(events.map(({ roomNid }) => roomNid))], span)
    for (const roomNid of moved.keys()) this.#members.delete(roomNid)
    const named = await this.named([...new Set(events.map(({ event }) => event.roomId))])
    const selected: StoredEvent[] = []
    for (const stored of events) {
      const isNamed = named.has(stored.event.roomId)
      if (isNamed || (await this.#concerns(stored, moved.get(stored.roomNid)))) selected.push(stored)
    }
    return selected
  }

  /** Users of the service whose membership changed in the stretch, by room. */
  async #moved(roomNids: readonly number[], span: EventSpan): Promise<Map<number, string[]>> {
    const moved = new Map<number, string[]>()
    if (roomNids.length === 0) return moved
    for (const { roomNid, userId } of await this.#source.memberChanges(
      roomNids,
      span,
      this.#context.serverName,
    )) {
      if (this.isOwn(userId)) moved.set(roomNid, [...(moved.get(roomNid) ?? []), userId])
    }
    return moved
  }

  async #concerns(stored: StoredEvent, moved: readonly string[] | undefined): Promise<boolean> {
    const { event, roomNid, position = 0 } = stored
    if (this.isOwn(event.sender)) return true
    if (event.type === 'm.room.member' && event.stateKey !== undefined && this.isOwn(event.stateKey))
      return true
    const members = await this.members(roomNid)
    if (moved === undefined) return members.length > 0
    // Somebody came or went just now: what counts is who was there when the event came.
    if (members.some(userId => !moved.includes(userId))) return true
    for (const userId of moved) if (await this.#wasIn(roomNid, userId, position)) return true
    return false
  }

  async #wasIn(roomNid: number, userId: string, position: number): Promise<boolean> {
    const { state, events } = this.#context.read
    const nid = await state.point(roomNid, 'm.room.member', userId, position)
    const [stored] = nid === undefined ? [] : await events.byNids([nid])
    return stored !== undefined && membershipOf(stored.event) === 'join'
  }
}
