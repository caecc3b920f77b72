import type { RoomReader } from '../../storage/rooms/rooms.ts'
import type { Answer } from '../answer.ts'
import type { Typing } from '../ephemeral/typing.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type RoomExtras, type SyncSource, type ToldRoom } from './sync-source.ts'

interface Parts {
  readonly typing: Pick<Typing, 'position' | 'changedRooms' | 'rooms' | 'users'>
  readonly watch: Pick<RoomWatch, 'joinedRooms'>
  readonly rooms: Pick<RoomReader, 'byNids'>
}

/**
 * The `typing` stream of `/sync`. Who types is known in memory alone: of what a client was shown by a process that was killed
 * the next one knows nothing, and yet has to tell that it is over. So a position in tokens is that of `Typing`, doubled, and
 * one more if anybody was typing in a room of the user.
 */
export class TypingStream implements SyncSource {
  readonly stream = 'typing'
  readonly #typing: Parts['typing']
  readonly #watch: Parts['watch']
  readonly #rooms: Parts['rooms']

  constructor(parts: Parts) {
    this.#typing = parts.typing
    this.#watch = parts.watch
    this.#rooms = parts.rooms
  }

  position(): number {
    return this.#typing.position * 2
  }

  readonly remembered = (told: number): number =>
    Math.floor(told / 2) > this.#typing.position ? told % 2 : told

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    if (after === undefined) return isEmpty(this.#typing.rooms()) ? NO_NEWS : this.#begun(request, upTo)
    // Where nobody has begun or ceased, somebody may be shown all the same: by a room that the user has come into.
    if (after >= upTo)
      return after % 2 === 1 || isEmpty(this.#typing.rooms()) ? NO_NEWS : this.#begun(request, upTo)
    const changed = this.#typing.changedRooms(Math.floor(after / 2), Math.floor(upTo / 2))
    const wasShown = after % 2 === 1
    if (changed === undefined && !wasShown && isEmpty(this.#typing.rooms())) return NO_NEWS
    return this.#changed(request, { changed, wasShown, upTo })
  }

  /** Those who are typing now come with their rooms. */
  async #begun({ requester }: SyncRequest, upTo: number): Promise<News> {
    return { upTo: this.#end(upTo, await this.#watch.joinedRooms(requester.userId)) }
  }

  async #changed(
    request: SyncRequest,
    {
      changed,
      wasShown,
      upTo,
    }: { changed: ReadonlySet<number> | undefined; wasShown: boolean; upTo: number },
  ): Promise<News> {
    const joined = await this.#watch.joinedRooms(request.requester.userId)
    // What is shown and what the token says of it are of the same moment.
    const end = this.#end(upTo, joined)
    // What has changed is not remembered so far back: it may be over wherever somebody was shown to type.
    const told = changed ?? (wasShown ? joined.keys() : this.#typing.rooms())
    const nids = [...told].filter(nid => joined.has(nid))
    if (nids.length === 0) return { upTo: end }
    const events = new Map(nids.map(nid => [nid, [typingEvent(this.#users(request, nid))]]))
    const rooms = new Map<string, RoomExtras>()
    for (const { nid, roomId } of await this.#rooms.byNids(nids)) {
      if (passes(request, roomId)) rooms.set(roomId, { ephemeral: events.get(nid) ?? [] })
    }
    return { rooms, upTo: end }
  }

  #end(upTo: number, joined: ReadonlyMap<number, number>): number {
    const isShown = [...this.#typing.rooms()].some(nid => joined.has(nid))
    return Math.floor(upTo / 2) * 2 + (isShown ? 1 : 0)
  }

  async roomEphemeral(request: SyncRequest, { roomNid, roomId, span }: ToldRoom): Promise<readonly string[]> {
    // Who has begun since `news` was asked is told with the next response: this one's token does not say that they were shown.
    const end = request.ends?.typing
    const later =
      end === undefined ? undefined : this.#typing.changedRooms(Math.floor(end / 2), Number.MAX_SAFE_INTEGER)
    const users = later?.has(roomNid) === true ? [] : this.#users(request, roomNid)
    // Who is told all of a room again may have been shown somebody who has ceased meanwhile, of whom no change is told beside.
    const isTold = users.length > 0 || span?.after !== undefined
    return isTold && passes(request, roomId) ? [typingEvent(users)] : []
  }

  #users({ ignored }: SyncRequest, roomNid: number): string[] {
    return this.#typing.users(roomNid).filter(userId => !ignored.has(userId))
  }
}

const isEmpty = (all: Iterable<unknown>): boolean => all[Symbol.iterator]().next().done === true

const passes = ({ filter }: SyncRequest, roomId: string): boolean =>
  filter.matchesRoom(roomId) &&
  filter.ephemeral.matchesRoom(roomId) &&
  filter.ephemeral.matches({ type: 'm.typing' })

const typingEvent = (users: readonly string[]): string =>
  `{"type":"m.typing","content":{"user_ids":${JSON.stringify(users)}}}`
