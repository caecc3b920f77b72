import { parseJson } from '../../core/canonical-json.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** An event that is sent later, unless it is cancelled first. Instants are milliseconds since 1970. */
export interface DelayedEvent {
  readonly delayId: string
  readonly userId: string
  readonly deviceId: string | undefined
  readonly roomId: string
  readonly type: string
  readonly stateKey: string | undefined
  readonly content: JsonObject
  readonly delayMs: number
  /** For how long it is sticky once it is sent (MSC4354), in milliseconds. */
  readonly stickyMs: number | undefined
  /** The time that it says it was sent at, where an application service has given it one. */
  readonly originServerTs: number | undefined
  /** When it was scheduled, or restarted last. */
  readonly scheduledTs: number
  readonly finalisedTs: number | undefined
  /** Of a final one that was sent. */
  readonly eventId: string | undefined
  /** Of a final one that could not be sent: the standard error. */
  readonly error: JsonObject | undefined
}

interface DelayedEventColumns {
  delay_id: string
  user_id: string
  device_id: string | null
  room_id: string
  type: string
  state_key: string | null
  content: string
  delay_ms: number
  sticky_duration_ms: number | null
  origin_server_ts: number | null
  scheduled_ts: number
  finalised_ts: number | null
  event_id: string | null
  error: string | null
}

const COLUMNS = `delay_id, user_id, device_id, room_id, type, state_key, content, delay_ms, sticky_duration_ms, origin_server_ts,
  scheduled_ts, finalised_ts, event_id, error`

const delayedEvent = (row: DelayedEventColumns): DelayedEvent => ({
  delayId: row.delay_id,
  userId: row.user_id,
  deviceId: row.device_id ?? undefined,
  roomId: row.room_id,
  type: row.type,
  stateKey: row.state_key ?? undefined,
  content: parseJson(row.content) as JsonObject,
  delayMs: row.delay_ms,
  stickyMs: row.sticky_duration_ms ?? undefined,
  originServerTs: row.origin_server_ts ?? undefined,
  scheduledTs: row.scheduled_ts,
  finalisedTs: row.finalised_ts ?? undefined,
  eventId: row.event_id ?? undefined,
  error: row.error === null ? undefined : (parseJson(row.error) as JsonObject),
})

/** Reads delayed events. */
export class DelayedEventReader {
  readonly #db: Reader
  readonly #byId: Prepared
  readonly #scheduled: Prepared
  readonly #finalised: Prepared
  readonly #soonest: Prepared
  readonly #overdue: Prepared
  readonly #delivered: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM delayed_events WHERE delay_id = ?`)
    this.#scheduled = db.prepare(
      `SELECT ${COLUMNS} FROM delayed_events WHERE user_id = ? AND finalised_ts IS NULL
       ORDER BY due_ts, delay_id LIMIT ?`,
    )
    this.#finalised = db.prepare(
      `SELECT ${COLUMNS} FROM delayed_events WHERE user_id = ? AND finalised_ts IS NOT NULL AND finalised_ts <= ?
       ORDER BY finalised_ts DESC, delay_id LIMIT ? OFFSET ?`,
    )
    this.#soonest = db.prepare(
      'SELECT MIN(due_ts) AS at FROM delayed_events WHERE user_id = ? AND finalised_ts IS NULL',
    )
    this.#overdue = db.prepare(
      `SELECT 1 AS one FROM delayed_events
       WHERE user_id = ? AND finalised_ts IS NULL AND due_ts < ? AND due_ts < ? AND room_id = ? LIMIT 1`,
    )
    this.#delivered = db.prepare(
      'SELECT 1 AS one FROM delayed_events WHERE user_id = ? AND finalised_ts IS NOT NULL AND event_id = ? LIMIT 1',
    )
  }

  async byId(delayId: string): Promise<DelayedEvent | undefined> {
    const row = await this.#db.get<DelayedEventColumns>(this.#byId, [delayId])
    return row === undefined ? undefined : delayedEvent(row)
  }

  /** A user's, in the order in which they are to be sent. */
  async scheduled(userId: string, limit: number): Promise<DelayedEvent[]> {
    return (await this.#db.all<DelayedEventColumns>(this.#scheduled, [userId, limit])).map(delayedEvent)
  }

  /** A user's that became final up to an instant, the last first. */
  async finalised(
    userId: string,
    { upTo, limit, skip }: { upTo: number; limit: number; skip: number },
  ): Promise<DelayedEvent[]> {
    const rows = await this.#db.scan<DelayedEventColumns>(this.#finalised, [userId, upTo, limit, skip])
    return rows.map(delayedEvent)
  }

  /** When the next of a user's is due. */
  async soonest(userId: string): Promise<number | undefined> {
    return (await this.#db.get<{ at: number | null }>(this.#soonest, [userId]))?.at ?? undefined
  }

  /** Whether another one of the user's into the same room that was due before it, and before an instant, has not been sent. */
  async isBehind({ userId, roomId, scheduledTs, delayMs }: DelayedEvent, before: number): Promise<boolean> {
    const row = await this.#db.get(this.#overdue, [userId, scheduledTs + delayMs, before, roomId])
    return row !== undefined
  }

  /** Whether an event of the user's is one that was delayed, and has been sent a short while ago. */
  async isOne(userId: string, eventId: string): Promise<boolean> {
    return (await this.#db.get(this.#delivered, [userId, eventId])) !== undefined
  }
}

/** How a delayed event came to its end. */
export interface Outcome {
  readonly finalisedTs: number
  readonly eventId?: string
  readonly error?: JsonObject
}

/** The column is of an earlier draft, by which others' state that came after a position cancelled a change to it. */
const NEVER_OVERTAKEN = Number.MAX_SAFE_INTEGER

/** Builds the statements that change delayed events. */
export class DelayedEventWriter {
  readonly #insert: Prepared
  readonly #restart: Prepared
  readonly #finalise: Prepared
  readonly #bound: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO delayed_events (delay_id, user_id, device_id, room_id, type, state_key, content, delay_ms,
         sticky_duration_ms, origin_server_ts, scheduled_ts, position, due_ts, wake_ts)
       SELECT ${insertedTypes(db)}
       WHERE (SELECT count(*) FROM delayed_events WHERE user_id = ? AND finalised_ts IS NULL) < ?`,
    )
    this.#restart = db.prepare(
      `UPDATE delayed_events SET scheduled_ts = ?, due_ts = ?, wake_ts = ?
       WHERE delay_id = ? AND finalised_ts IS NULL`,
    )
    this.#finalise = db.prepare(
      `UPDATE delayed_events SET finalised_ts = ?, event_id = ?, error = ?, wake_ts = NULL
       WHERE delay_id = ? AND finalised_ts IS NULL`,
    )
    this.#bound = db.prepare(
      `DELETE FROM delayed_events WHERE user_id = ? AND finalised_ts < (
         SELECT finalised_ts FROM delayed_events WHERE user_id = ? AND finalised_ts IS NOT NULL
         ORDER BY finalised_ts DESC LIMIT 1 OFFSET ?)`,
    )
    this.#expire = db.prepare('DELETE FROM delayed_events WHERE finalised_ts < ?')
  }

  /** Stores an event that is due after its delay. Guard `too-many-delayed`: the user has `atMost` already. */
  insert(delayed: DelayedEvent, atMost: number): WriteStatement {
    const { delayId, userId, deviceId, roomId, type, stateKey, content, delayMs, scheduledTs } = delayed
    const dueTs = scheduledTs + delayMs
    return {
      prepared: this.#insert,
      rows: [
        [
          ...[delayId, userId, deviceId ?? null, roomId, type, stateKey ?? null, JSON.stringify(content)],
          ...[delayMs, delayed.stickyMs ?? null, delayed.originServerTs ?? null],
          ...[scheduledTs, NEVER_OVERTAKEN, dueTs, dueTs],
          ...[userId, atMost],
        ],
      ],
      guard: { name: 'too-many-delayed', expected: 1 },
    }
  }

  /** Lets its delay begin again. Guard `delayed-is-final`. */
  restart({ delayId, delayMs }: DelayedEvent, now: number): WriteStatement {
    return {
      prepared: this.#restart,
      rows: [[now, now + delayMs, now + delayMs, delayId]],
      guard: { name: 'delayed-is-final', expected: 1 },
    }
  }

  /**
   * Makes it final; removes final ones from before `expired`, and the user's oldest beyond `keep`.
   * Guard `delayed-is-final`.
   */
  finalise(
    { delayId, userId }: DelayedEvent,
    { finalisedTs, eventId, error }: Outcome,
    { expired, keep }: { expired: number; keep: number },
  ): WriteStatement[] {
    const errorText = error === undefined ? null : JSON.stringify(error)
    return [
      {
        prepared: this.#finalise,
        rows: [[finalisedTs, eventId ?? null, errorText, delayId]],
        guard: { name: 'delayed-is-final', expected: 1 },
      },
      { prepared: this.#bound, rows: [[userId, userId, keep - 1]] },
      { prepared: this.#expire, rows: [[expired]] },
    ]
  }
}

/** Placeholders that PostgreSQL needs to be told the types of, since they do not stand where a column receives them. */
const insertedTypes = (db: Reader): string => {
  const integer = db.dialect.name === 'postgres' ? 'bigint' : 'integer'
  const texts = Array.from({ length: 7 }, () => 'CAST(? AS text)')
  const integers = Array.from({ length: 7 }, () => `CAST(? AS ${integer})`)
  return [...texts, ...integers].join(', ')
}
