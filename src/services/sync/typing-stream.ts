import type { RoomReader } from '../../storage/rooms/rooms.ts'
import type { Typing } from '../ephemeral/typing.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import {
  type Answer,
  type News,
  NO_NEWS,
  type RoomExtras,
  type SyncSource,
  type ToldRoom,
} from './sync-source.ts'

/** The `typing` stream of `/sync`. */
export class TypingStream implements SyncSource {
  readonly stream = 'typing'
  readonly #typing: Typing
  readonly #watch: RoomWatch
  readonly #rooms: RoomReader

  constructor(parts: { typing: Typing; watch: RoomWatch; rooms: RoomReader }) {
    this.#typing = parts.typing
    this.#watch = parts.watch
    this.#rooms = parts.rooms
  }

  position(): number {
    return this.#typing.position
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    if (after === undefined || after >= upTo) return NO_NEWS
    const changed = this.#typing.changedRooms(after, upTo) ?? new Set(this.#typing.rooms())
    return changed.size === 0 ? NO_NEWS : this.#changed(request, changed)
  }

  async #changed(request: SyncRequest, changed: ReadonlySet<number>): Promise<News> {
    const joined = await this.#watch.joinedRooms(request.requester.userId)
    const nids = [...changed].filter(nid => joined.has(nid))
    if (nids.length === 0) return NO_NEWS
    const rooms = new Map<string, RoomExtras>()
    for (const { nid, roomId } of await this.#rooms.byNids(nids)) {
      if (passes(request, roomId)) rooms.set(roomId, { ephemeral: [typingEvent(this.#users(request, nid))] })
    }
    return { rooms }
  }

  async roomEphemeral(request: SyncRequest, { roomNid, roomId }: ToldRoom): Promise<readonly string[]> {
    const users = this.#users(request, roomNid)
    return users.length > 0 && passes(request, roomId) ? [typingEvent(users)] : []
  }

  #users({ ignored }: SyncRequest, roomNid: number): string[] {
    return this.#typing.users(roomNid).filter(userId => !ignored.has(userId))
  }
}

const passes = ({ filter }: SyncRequest, roomId: string): boolean =>
  filter.matchesRoom(roomId) &&
  filter.ephemeral.matchesRoom(roomId) &&
  filter.ephemeral.matches({ type: 'm.typing' })

const typingEvent = (users: readonly string[]): string =>
  `{"type":"m.typing","content":{"user_ids":${JSON.stringify(users)}}}`
