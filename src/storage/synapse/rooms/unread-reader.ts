import { LRUCache } from 'lru-cache'
import type { SynapseSource } from '../source.ts'

/** What Synapse has counted for a user in a thread, of which it keeps no single events. */
export interface UnreadSummary {
  readonly user_id: string
  readonly room_id: string
  /** `main`, or the ID of the thread's root. */
  readonly thread: string
  readonly notif_count: number
  /** Up to where in the stream of events that is counted. */
  readonly stream_ordering: number
  readonly last_receipt: number | null
}

/** In the stream of events: the user's receipt for all of a room, and the event that says that they are in it. */
interface ReadInRoom {
  readonly receipt: number | undefined
  readonly member: number
}

/** So many users of rooms are kept in mind. */
const KEPT = 10_000

/** Reads what users have not read. */
export class UnreadReader {
  readonly #known = new LRUCache<string, ReadInRoom>({ max: KEPT })
  readonly #source: SynapseSource

  constructor(source: SynapseSource) {
    this.#source = source
  }

  /** Whether a summary is of what came after the user's receipt: another is one that Synapse has not got round to. */
  async counts({ user_id, room_id, thread, stream_ordering, last_receipt }: UnreadSummary): Promise<boolean> {
    const { receipt, member } = await this.#inRoom(user_id, room_id)
    const inThread = await this.#receipt(user_id, room_id, 'r.thread_id = ?', [thread])
    const read = Math.max(receipt ?? member, inThread ?? 0)
    return last_receipt === null ? stream_ordering > read : last_receipt === read
  }

  /**
   * Up to where in the stream of events somebody has read a room because they are in it as they are: where they have no receipt for all of it,
   * Synapse goes by their present membership, which is another as soon as they have another name.
   */
  async readByMembership(userId: string, roomId: string): Promise<number> {
    const { receipt, member } = await this.#inRoom(userId, roomId)
    return receipt === undefined ? member : 0
  }

  async #inRoom(userId: string, roomId: string): Promise<ReadInRoom> {
    const key = `${roomId} ${userId}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const read = {
      receipt: await this.#receipt(userId, roomId, 'r.thread_id IS NULL'),
      member: (await this.#member(userId, roomId)) ?? 0,
    }
    this.#known.set(key, read)
    return read
  }

  async #receipt(
    userId: string,
    roomId: string,
    which: string,
    parameters: readonly string[] = [],
  ): Promise<number | undefined> {
    const row = await this.#source.get<{ read: number | null }>(
      `SELECT MAX(e.stream_ordering) AS read FROM receipts_linearized r JOIN events e ON e.event_id = r.event_id
       WHERE r.user_id = ? AND r.room_id = ? AND r.receipt_type IN ('m.read', 'm.read.private') AND ${which}`,
      [userId, roomId, ...parameters],
    )
    return row?.read ?? undefined
  }

  async #member(userId: string, roomId: string): Promise<number | undefined> {
    const row = await this.#source.get<{ stream: number }>(
      `SELECT e.stream_ordering AS stream FROM local_current_membership m JOIN events e ON e.event_id = m.event_id
       WHERE m.user_id = ? AND m.room_id = ?`,
      [userId, roomId],
    )
    return row?.stream
  }

  /** The event at a position of the stream. */
  async eventAt(stream: number): Promise<string | undefined> {
    const row = await this.#source.get<{ eventId: string }>(
      'SELECT event_id AS "eventId" FROM events WHERE stream_ordering = ?',
      [stream],
    )
    return row?.eventId
  }
}
