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

/** Reads what users have not read. */
export class UnreadReader {
  readonly #source: SynapseSource

  constructor(source: SynapseSource) {
    this.#source = source
  }

  /** Whether a summary is of what came after the user's receipt: another is one that Synapse has not got round to. */
  async counts({ user_id, room_id, thread, stream_ordering, last_receipt }: UnreadSummary): Promise<boolean> {
    const row = await this.#source.get<{ read: number | null }>(
      `SELECT MAX(e.stream_ordering) AS read FROM receipts_linearized r JOIN events e ON e.event_id = r.event_id
       WHERE r.user_id = ? AND r.room_id = ? AND r.receipt_type IN ('m.read', 'm.read.private')
         AND (r.thread_id IS NULL OR r.thread_id = ?)`,
      [user_id, room_id, thread],
    )
    const read = row?.read ?? null
    if (read === null) return true
    return last_receipt === null ? stream_ordering > read : last_receipt === read
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
