import { boundedCache } from '../../core/caches.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'

/** Room IDs by nid, remembered: they never change. */
export class RoomIds {
  readonly #rooms: RoomReaders['rooms']
  readonly #known = boundedCache<number, string>('room_ids')

  constructor(rooms: RoomReaders['rooms']) {
    this.#rooms = rooms
  }

  /** The IDs of those rooms that exist. */
  of(nids: readonly number[]): Answer<ReadonlyMap<number, string>> {
    const ids = new Map<number, string>()
    const unknown: number[] = []
    for (const nid of nids) {
      const roomId = this.#known.get(nid)
      if (roomId === undefined) unknown.push(nid)
      else ids.set(nid, roomId)
    }
    return unknown.length === 0 ? ids : this.#learn(unknown, ids)
  }

  async #learn(unknown: readonly number[], ids: Map<number, string>): Promise<ReadonlyMap<number, string>> {
    for (const { nid, roomId } of await this.#rooms.byNids(unknown)) {
      ids.set(nid, roomId)
      this.#known.set(nid, roomId)
    }
    return ids
  }
}
