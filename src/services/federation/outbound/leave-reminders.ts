import { LRUCache } from 'lru-cache'
import { serverNameOf } from '../../../core/ids.ts'
import type { StoredEvent } from '../../../storage/rooms/events.ts'
import type { RoomHead } from '../../rooms/room-head.ts'
import type { OutboundContext } from './context.ts'
import { createTransact } from './sender/transact.ts'
import { MAX_PDUS } from './sender/transaction.ts'

/** So long after a server was told of a room, or somebody left it, nobody need be reminded of it; milliseconds. */
const AGAIN_MS = 60 * 60_000
const UNDER_WAY_MS = 5 * 60_000
const MAX_TOLD = 10_000

/**
 * Tells servers once more who of ours has left a room. Whoever sends us what happens in a room that nobody here is in has not heard of
 * it, and takes somebody for a member for good: the room had shut this server out when they left, or the server was away for too long.
 */
export class LeaveReminders {
  readonly #context: OutboundContext
  readonly #closing = new AbortController()
  readonly #transact: ReturnType<typeof createTransact>
  /** By room and server → when. */
  readonly #told = new LRUCache<string, number>({ max: MAX_TOLD })
  readonly #running = new Set<Promise<void>>()

  constructor(context: OutboundContext) {
    this.#context = context
    this.#transact = createTransact(context, this.#closing.signal)
  }

  /** A server has sent an event of a room that nobody here is in. Cheap if it does so often. */
  remind(server: string, head: RoomHead): void {
    const { clock, permits, log } = this.#context
    const { signal } = this.#closing
    // Who was in the room with us may know who was.
    if (signal.aborted || !permits(server) || !head.hasHost(server)) return
    const key = `${head.room.nid} ${server}`
    const told = this.#told.get(key)
    const now = clock.now()
    if (told !== undefined && now - told < AGAIN_MS) return
    this.#told.set(key, now)
    const telling = this.#tell(server, head, now)
      .then(isToldNow => {
        if (!isToldNow) this.#told.delete(key)
      })
      .catch(error => log.debug({ server, room: head.room.roomId, err: error }, 'a server was not reminded'))
      .finally(() => this.#running.delete(telling))
    this.#running.add(telling)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running)
  }

  /** Answers `false` where somebody has left just now: the server may be about to hear of it. */
  async #tell(server: string, head: RoomHead, now: number): Promise<boolean> {
    const leaves = await this.#leaves(head)
    if (leaves.some(({ event }) => now - event.originServerTs < UNDER_WAY_MS)) return false
    const events = leaves.map(({ nid, position = 0, roomNid }) => ({ nid, position, roomNid }))
    const { random } = this.#context.core.context
    const txnId = `${now}-${Buffer.from(random(6)).toString('base64url')}`
    await this.#transact(server, { txnId, events, edus: [] }, [])
    return true
  }

  /** The latest events by which users of ours have left, or were put out by one of ours, oldest first. */
  async #leaves(head: RoomHead): Promise<StoredEvent[]> {
    const { serverName, read } = this.#context.core.context
    const isOurs = (userId: string): boolean => serverNameOf(userId) === serverName
    const left = [...head.memberships].flatMap(([userId, membership]) =>
      membership === 'leave' && isOurs(userId) ? (head.entry('m.room.member', userId)?.nid ?? []) : [],
    )
    const latest = left.toSorted((a, b) => a - b).slice(-MAX_PDUS)
    const stored = await read.events.byNids(latest)
    return stored.filter(({ event, position }) => position !== undefined && isOurs(event.sender))
  }
}
