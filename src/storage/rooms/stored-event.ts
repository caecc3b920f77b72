import type { SignEvent } from '../../core/event/builder.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { roomVersion } from '../../core/room-versions.ts'

/** An event as stored: the event itself and what this server has concluded about it. */
export interface StoredEvent {
  readonly nid: number
  readonly roomNid: number
  /**
   * Where the event stands in the room's timeline on this server: positive in order of arrival, negative for
   * history fetched later, `undefined` for outliers (known only as somebody's auth event or as an invitation).
   */
  readonly position: number | undefined
  readonly rejected: string | undefined
  readonly softFailed: boolean
  /** A redaction that nothing can be redacted by as yet: part of the room, but not shown to clients. */
  readonly withheld?: boolean
  /** The nid of the redaction that was applied to it. */
  readonly redactedBy: number | undefined
  /** One more than the greatest generation among its auth events; 0 without any. */
  readonly generation: number
  readonly event: RoomEvent
}

/** What `soft_failed` says of events that no client is shown; 0 of all others. */
export const SOFT_FAILED = 1
export const WITHHELD = 2

/** A row of `SELECT_EVENTS`. */
export interface EventRow {
  event_nid: number
  room_nid: number
  position: number | null
  rejected: string | null
  soft_failed: number
  redacted_by: number | null
  generation: number
  event_id: string
  version: string
  json: string
}

/** The columns of an `EventRow`, from the tables that `STORED_EVENTS` joins. */
export const EVENT_COLUMNS = `e.event_nid, e.room_nid, e.position, e.rejected, e.soft_failed, e.redacted_by, e.generation,
  e.event_id, r.version, j.json`
export const STORED_EVENTS =
  'events e JOIN event_json j ON j.event_nid = e.event_nid JOIN rooms r ON r.room_nid = e.room_nid'

/** Selects what `storedEvent` needs; the caller adds which events. */
export const SELECT_EVENTS = `SELECT ${EVENT_COLUMNS} FROM ${STORED_EVENTS}`

/** The event that a row holds; `sign` gives a message of ours the signature that is not stored. */
export const storedEvent = (row: EventRow, sign?: SignEvent): StoredEvent => {
  const version = roomVersion(row.version)
  if (version === undefined)
    throw new Error(`stored event ${row.event_id} has unknown room version ${row.version}`)
  const pdu = parseJson(row.json) as JsonObject
  const signed = sign === undefined || 'signatures' in pdu ? pdu : sign(pdu, version)
  return { ...conclusionsOf(row), event: trustedEvent(signed, row.event_id, version) }
}

/** What a row holds beside the event. */
export const conclusionsOf = (row: Omit<EventRow, 'json'>): Omit<StoredEvent, 'event'> => ({
  nid: row.event_nid,
  roomNid: row.room_nid,
  position: row.position ?? undefined,
  rejected: row.rejected ?? undefined,
  softFailed: row.soft_failed === SOFT_FAILED,
  withheld: row.soft_failed === WITHHELD,
  redactedBy: row.redacted_by ?? undefined,
  generation: row.generation,
})
