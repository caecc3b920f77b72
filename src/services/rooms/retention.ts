import type { Clock } from '../../core/clock.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { parseJson } from '../../core/parse-json.ts'
import { lifetimeOf, RETENTION_TYPE, type RetentionSettings } from '../../core/retention.ts'
import type { Reader } from '../../storage/database.ts'
import { PurgeReader } from '../../storage/rooms/purge-reader.ts'
import { PurgeRequestWriter } from '../../storage/rooms/purge-requests.ts'
import { Rounds } from '../rounds.ts'
import type { RoomPurges } from './room-purge.ts'
import type { RoomWriter } from './room-writer.ts'

const HOUR_MS = 60 * 60_000
/** Rooms whose rules are read at once. */
const ROOMS = 500
/** So long operators can see what has become of what they wanted purged. Milliseconds. */
const OUTCOMES_KEPT_MS = 7 * 24 * HOUR_MS

/** A room whose messages are not kept for good. */
export interface RuledRoom {
  readonly nid: number
  readonly roomId: string
  /** Milliseconds. */
  readonly lifetime: number
}

/** All rooms whose messages are not kept for good, by their `m.room.retention` or by the settings. */
export async function* ruledRooms(db: Reader, settings: RetentionSettings): AsyncGenerator<RuledRoom> {
  const read = new PurgeReader(db)
  for (let after = 0; ; ) {
    const rows = await read.rules(RETENTION_TYPE, after, ROOMS)
    for (const { roomNid: nid, roomId, rule } of rows) {
      const event = rule === null ? undefined : parseJson(rule)
      const lifetime = lifetimeOf(isJsonObject(event) ? event['content'] : undefined, settings)
      if (lifetime !== undefined) yield { nid, roomId, lifetime }
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < ROOMS) return
    after = last.roomNid
  }
}

/** Takes away messages whose lifetime is over, each hour, in one process at a time. */
export class MessageRetention {
  readonly #writer: RoomWriter
  readonly #purges: RoomPurges
  readonly #settings: RetentionSettings | undefined
  readonly #clock: Clock
  readonly #log: Log
  readonly #requests: PurgeRequestWriter
  readonly #rounds: Rounds

  constructor(parts: {
    writer: RoomWriter
    purges: RoomPurges
    /** Without: no message is taken away for its age. */
    settings: RetentionSettings | undefined
    clock: Clock
    log: Log
  }) {
    this.#writer = parts.writer
    this.#purges = parts.purges
    this.#settings = parts.settings
    this.#clock = parts.clock
    this.#log = parts.log
    this.#requests = new PurgeRequestWriter(parts.writer.context.db)
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log },
      everyMs: HOUR_MS,
      round: signal => this.tidy(signal),
      failure: 'old messages could not be deleted',
      sole: parts.writer.context.processes.soleWork('retention'),
    })
  }

  start(): void {
    this.#rounds.start()
  }

  close(): Promise<void> {
    return this.#rounds.close()
  }

  /** One round. */
  async tidy(signal: AbortSignal = this.#rounds.closing): Promise<void> {
    const { db } = this.#writer.context
    await db.commit({ statements: [this.#requests.forget(this.#clock.now() - OUTCOMES_KEPT_MS)] })
    if (this.#settings === undefined) return
    for await (const room of ruledRooms(db, this.#settings)) {
      if (signal.aborted) return
      // Of a room in which it fails, those after it know nothing.
      await this.#purge(room, signal).catch(error =>
        this.#log.error({ err: error, room: room.roomId }, 'old messages could not be deleted'),
      )
    }
  }

  async #purge(room: RuledRoom, signal: AbortSignal): Promise<void> {
    const bound = { before: this.#clock.now() - room.lifetime }
    const { events, bytes } = await this.#purges.purge(room, bound, signal)
    if (events > 0) this.#log.info({ room: room.roomId, events, bytes }, 'old messages were deleted')
  }
}
