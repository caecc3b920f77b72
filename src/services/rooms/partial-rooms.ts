import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'

/** For so long a request waits for a room's members to be known; proxies and clients give up soon after. */
const PATIENCE_MS = 45_000
/** Another process may be the one that completes a room. */
const LOOK_EVERY_MS = 2_000

/**
 * Lets wait whoever has to know all members of a room that was joined without being told of them (MSC3902: "requests
 * that require knowledge of `m.room.member` events for remote users will block until the resynchronisation completes").
 */
export class PartialRooms {
  readonly #read: RoomReaders
  readonly #clock: Clock
  readonly #waiting = new Map<number, Set<() => void>>()

  constructor(parts: { read: RoomReaders; clock: Clock }) {
    this.#read = parts.read
    this.#clock = parts.clock
  }

  /** A room lacks nothing any more, or nobody here is in it. */
  settled(roomNid: number): void {
    for (const wake of this.#waiting.get(roomNid) ?? []) wake()
  }

  /** Resolves once the room lacks nothing; to `false` if that takes longer than it may (milliseconds). */
  async complete(roomNid: number, timeoutMs: number = PATIENCE_MS): Promise<boolean> {
    const deadline = this.#clock.now() + timeoutMs
    for (;;) {
      const { woken, cancel } = this.#wait(roomNid)
      try {
        if ((await this.#read.partial.open(roomNid)) === undefined) return true
        const left = deadline - this.#clock.now()
        if (left <= 0) return false
        const stop = new AbortController()
        const slept = this.#clock.sleep(Math.min(left, LOOK_EVERY_MS), stop.signal).catch(() => undefined)
        await Promise.race([woken, slept])
        stop.abort()
      } finally {
        cancel()
      }
    }
  }

  /** The same for a request of a client. Throws `M_UNKNOWN` (503) where it takes too long. */
  async require(roomNid: number): Promise<void> {
    if (await this.complete(roomNid)) return
    throw new MatrixError('M_UNKNOWN', 'The members of this room are still being fetched: try again later', {
      status: 503,
    })
  }

  #wait(roomNid: number): { woken: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wakers = this.#waiting.get(roomNid) ?? new Set()
    this.#waiting.set(roomNid, wakers.add(resolve))
    const cancel = (): void => {
      wakers.delete(resolve)
      if (wakers.size === 0 && this.#waiting.get(roomNid) === wakers) this.#waiting.delete(roomNid)
    }
    return { woken: promise, cancel }
  }
}
