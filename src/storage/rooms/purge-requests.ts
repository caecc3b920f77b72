import type { Prepared, Reader, WriteStatement } from '../database.ts'
import type { DueTable, HeldRow } from '../due-rows.ts'

/** What an operator wants purged. */
export interface PurgeRequest {
  readonly roomId: string
  /** What was sent before (ms since 1970); `undefined`: the whole room. */
  readonly before: number | undefined
  /** Local users are made to leave a room that goes altogether. */
  readonly isForced: boolean
}

/** What has become of it. */
export interface PurgeOutcome {
  readonly events: number
  readonly bytes: number
  readonly files: number
  /** Why nothing was purged. */
  readonly refusal: string | undefined
}

interface Columns {
  room_id: string
  before_ts: number | null
  forced: number
  done_ts: number | null
  events: number
  bytes: number
  files: number
  refusal: string | null
}

/** Requests about one room are done one after another. */
export const ROOM_PURGES: DueTable = { name: 'room_purges', key: 'purge_id', lane: 'room_id' }

/** Reads what is to be purged, and what has become of it. */
export class PurgeRequestReader {
  readonly #db: Reader
  readonly #one: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare(
      'SELECT room_id, before_ts, forced, done_ts, events, bytes, files, refusal FROM room_purges WHERE purge_id = ?',
    )
  }

  async request(id: string): Promise<PurgeRequest | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [id])
    if (row === undefined || row.done_ts !== null) return undefined
    return { roomId: row.room_id, before: row.before_ts ?? undefined, isForced: row.forced !== 0 }
  }

  /** `undefined` while it is not done. */
  async outcome(id: string): Promise<PurgeOutcome | undefined> {
    const row = await this.#db.get<Columns>(this.#one, [id])
    if (row === undefined || row.done_ts === null) return undefined
    const { events, bytes, files } = row
    return { events, bytes, files, refusal: row.refusal ?? undefined }
  }
}

/** Of a request that is moved or withdrawn. */
export const PURGE_GUARD = 'purge'
const PENDING = { name: PURGE_GUARD, expected: 1 }
/** Nobody has taken it yet (`DueTable`), nor hastened it. */
const IS_UNTOUCHED = 'purge_id = ? AND wake_ts = due_ts'

/** Builds the statements about requests. */
export class PurgeRequestWriter {
  readonly #add: Prepared
  readonly #postpone: Prepared
  readonly #move: Prepared
  readonly #withdraw: Prepared
  readonly #done: Prepared
  readonly #forget: Prepared

  constructor(db: Reader) {
    this.#add = db.prepare(
      `INSERT INTO room_purges (purge_id, room_id, before_ts, forced, due_ts, wake_ts, events, bytes, files)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)`,
    )
    this.#postpone = db.prepare('UPDATE room_purges SET wake_ts = ? WHERE purge_id = ? AND done_ts IS NULL')
    this.#move = db.prepare(`UPDATE room_purges SET due_ts = ?, wake_ts = ? WHERE ${IS_UNTOUCHED}`)
    this.#withdraw = db.prepare(`DELETE FROM room_purges WHERE ${IS_UNTOUCHED}`)
    this.#done = db.prepare(
      `UPDATE room_purges SET wake_ts = NULL, done_ts = ?, events = ?, bytes = ?, files = ?, refusal = ?
       WHERE purge_id = ? AND done_ts IS NULL`,
    )
    this.#forget = db.prepare('DELETE FROM room_purges WHERE done_ts < ?')
  }

  /** @param due when it is to be done (ms) */
  add(id: string, { roomId, before, isForced }: PurgeRequest, due: number): WriteStatement {
    return { prepared: this.#add, rows: [[id, roomId, before ?? null, isForced ? 1 : 0, due, due]] }
  }

  /** What has begun goes on later. */
  postpone({ key }: HeldRow, until: number): WriteStatement {
    return { prepared: this.#postpone, rows: [[until, key]] }
  }

  /** It is due at another time. Guard `purge`: nobody has begun with it. */
  putOff({ key }: Pick<HeldRow, 'key'>, due: number): WriteStatement {
    return { prepared: this.#move, rows: [[due, due, key]], guard: PENDING }
  }

  /** It is done as soon as may be, and neither put off nor withdrawn any more. Guard `purge`: nobody has begun with it. */
  hasten({ key }: Pick<HeldRow, 'key'>, now: number): WriteStatement {
    return { prepared: this.#move, rows: [[now - 1, now, key]], guard: PENDING }
  }

  /** It is not done. Guard `purge`: nobody has begun with it. */
  withdraw({ key }: Pick<HeldRow, 'key'>): WriteStatement {
    return { prepared: this.#withdraw, rows: [[key]], guard: PENDING }
  }

  done({ key }: HeldRow, { events, bytes, files, refusal }: PurgeOutcome, now: number): WriteStatement {
    return { prepared: this.#done, rows: [[now, events, bytes, files, refusal ?? null, key]] }
  }

  /** Those that were done before an instant. */
  forget(before: number): WriteStatement {
    return { prepared: this.#forget, rows: [[before]] }
  }
}
