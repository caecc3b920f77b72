import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import type { Answer } from '../answer.ts'
import { loadHead } from './load-head.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/** Heads count by the entries of their states; small rooms for a little more. */
const ENTRIES_PER_HEAD = 20

/** The heads of the rooms that something happened in last. */
export class RoomHeads {
  readonly #context: RoomsContext
  readonly #kept: LRUCache<string, RoomHead>

  /** @param maxEntries of the states of all of them, instead of what their share of the memory allows */
  constructor(context: RoomsContext, maxEntries?: number) {
    this.#context = context
    this.#kept = boundedCache('room_heads', {
      max: maxEntries,
      size: head => ENTRIES_PER_HEAD + head.state.size,
    })
  }

  /** The head of a room if it is here. */
  known(roomId: string): RoomHead | undefined {
    return this.#kept.get(roomId)
  }

  /** The same, or else as the database has it; `undefined` if the room is not known. To be called in the room's queue. */
  load(roomId: string): Answer<RoomHead | undefined> {
    return this.known(roomId) ?? this.#read(roomId)
  }

  async #read(roomId: string): Promise<RoomHead | undefined> {
    const head = await loadHead(this.#context.read, roomId, this.#context.serverName)
    if (head !== undefined) this.keep(head)
    return head
  }

  /** Anew when its size has changed, which counts as it is now; messages leave it as it was. */
  keep(head: RoomHead): void {
    const { roomId } = head.room
    if (this.#kept.get(roomId) === head && head.keptEntries === head.state.size) return
    head.keptEntries = head.state.size
    this.#kept.delete(roomId)
    this.#kept.set(roomId, head)
  }

  /** Lets go of a head that is not as the database has it, or will not be. */
  drop(head: RoomHead): void {
    head.isDead = true
    if (this.#kept.peek(head.room.roomId) === head) this.#kept.delete(head.room.roomId)
  }
}
