import { STICKY } from '../../core/event/stickiness.ts'
import { UnparsedEvent } from '../../core/event/unparsed-event.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { Prepared, Reader } from '../database.ts'
import { listedRows } from '../listed-rows.ts'
import type { EventCache } from './event-cache.ts'
import {
  conclusionsOf,
  EVENT_COLUMNS,
  type EventRow,
  STORED_EVENTS,
  type StoredEvent,
  storedEvent,
} from './stored-event.ts'

/** A state event that is not kept in memory, nor parsed unless somebody looks into it. */
export interface PassingEvent extends StoredEvent {
  readonly event: UnparsedEvent
  /** The nid of the event whose place it took, where it is part of the timeline. */
  readonly replaced: number | undefined
}

export const isPassing = (stored: StoredEvent): stored is PassingEvent =>
  stored.event instanceof UnparsedEvent

interface PassingRow extends EventRow {
  room_id: string
  type: string
  state_key: string | null
  sender: string
  origin_server_ts: number
  replaced_nid: number | null
}

/**
 * Reads states of which there are too many to be kept: tens of thousands of members of a large room, each of which is shown once and
 * not asked for again, or more rooms than there is room for. They push nothing out of the cache of events, in which most of them
 * would not be found the next time either.
 */
export class PassingEvents {
  readonly #db: Reader
  readonly #cache: EventCache
  readonly #select: Prepared

  constructor(db: Reader, cache: EventCache) {
    this.#db = db
    this.#cache = cache
    this.#select = db.prepare(
      `SELECT ${EVENT_COLUMNS}, r.room_id, e.type, e.state_key, e.sender, e.origin_server_ts,
         (SELECT s.event_nid FROM room_state s WHERE s.room_nid = e.room_nid AND s.type = e.type
            AND s.state_key = e.state_key AND s.valid_to = e.position) AS replaced_nid
       FROM ${STORED_EVENTS}
       WHERE ${db.dialect.inInteger('e.event_nid')}`,
    )
  }

  /** The events with these nids, those that exist, in the order asked for. What is in the cache is taken from there. */
  async byNids(nids: readonly number[]): Promise<StoredEvent[]> {
    const missing = nids.filter(nid => {
      const stored = this.#cache.get(nid)
      return stored === undefined || this.#cache.mayLackPosition(stored)
    })
    const rows = missing.length === 0 ? [] : await listedRows<PassingRow>(this.#db, this.#select, missing)
    const read = new Map(rows.map(row => [row.event_nid, passingEvent(row)]))
    return nids.flatMap(nid => read.get(nid) ?? this.#cache.get(nid) ?? [])
  }
}

const passingEvent = (row: PassingRow): StoredEvent | PassingEvent => {
  const { event_id: eventId, room_id: roomId, type, sender, state_key: stateKey } = row
  const version = roomVersion(row.version)
  const isPlain = type !== 'm.room.redaction' && !row.json.includes(STICKY)
  if (stateKey === null || version === undefined || !isPlain) return storedEvent(row)
  const head = { eventId, roomId, version, type, sender, stateKey, originServerTs: row.origin_server_ts }
  return {
    ...conclusionsOf(row),
    event: new UnparsedEvent(head, row.json),
    replaced: row.replaced_nid ?? undefined,
  }
}
