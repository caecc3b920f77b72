import type { Database } from '../../storage/database.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'

/**
 * Wakes those who wait for something to happen in a room, and nobody else: where something has happened is found out once for all of
 * them, however many there are.
 */
export class RoomWakes {
  readonly #db: Pick<Database, 'position' | 'onCommit'>
  readonly #read: Pick<SyncReader, 'touchedRooms'>
  readonly #waiting = new Map<number, Set<() => void>>()
  #stopListening: (() => void) | undefined
  #followed = 0
  #following: Promise<void> | undefined
  #again = false

  constructor(db: Pick<Database, 'position' | 'onCommit'>, read: Pick<SyncReader, 'touchedRooms'>) {
    this.#db = db
    this.#read = read
  }

  /** Calls back whenever something may have happened in a room (its nid) from now on; answers how to end that. */
  on(roomNid: number, happened: () => void): () => void {
    const waiting = this.#waiting.get(roomNid) ?? new Set()
    this.#waiting.set(roomNid, waiting)
    waiting.add(happened)
    if (this.#stopListening === undefined) {
      this.#followed = this.#db.position('events')
      this.#stopListening = this.#db.onCommit(moved => moved.has('events') && this.#wake())
    }
    return () => {
      waiting.delete(happened)
      if (waiting.size === 0 && this.#waiting.get(roomNid) === waiting) this.#waiting.delete(roomNid)
      if (this.#waiting.size > 0) return
      this.#stopListening?.()
      this.#stopListening = undefined
    }
  }

  #wake(): void {
    this.#again = true
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined
      // Something may have come between the last look and now.
      if (this.#again) this.#wake()
    })
  }

  async #follow(): Promise<void> {
    while (this.#again) {
      this.#again = false
      for (const roomNid of await this.#touched())
        for (const happened of [...(this.#waiting.get(roomNid) ?? [])]) happened()
    }
  }

  async #touched(): Promise<readonly number[]> {
    const upTo = this.#db.position('events')
    try {
      const rooms = await this.#read.touchedRooms(this.#followed, upTo)
      this.#followed = upTo
      return rooms.map(({ roomNid }) => roomNid)
    } catch {
      // Whoever waits looks for themselves, and says what is wrong.
      return [...this.#waiting.keys()]
    }
  }
}
