import { canonicalJsonAsRead } from '../../../core/canonical-json.ts'
import type { RoomEvent } from '../../../core/event/event.ts'
import { checkFields, checkProofs } from '../../../core/event/fields.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts'
import { parseJson } from '../../../core/parse-json.ts'
import type { RoomVersion } from '../../../core/room-versions.ts'
import type { SourceEvent } from '../../../storage/synapse/rooms/room-reader.ts'

/** An event of Synapse, read. */
export interface ReadEvent {
  readonly event: RoomEvent
  /** Its canonical text. */
  readonly json: string
  readonly rejected: string | undefined
  readonly softFailed: boolean
  /** When Synapse received it: milliseconds. */
  readonly receivedTs: number
  /** What Synapse has noted for clients. */
  readonly unsigned: JsonObject
}

/** Reads an event of a room; answers why it cannot be read. */
export const readSourceEvent = (
  source: SourceEvent,
  roomId: string,
  version: RoomVersion,
): ReadEvent | string => {
  try {
    const whole = parseJson(source.json)
    if (!isJsonObject(whole)) return 'it is no object'
    const { unsigned, ...signed } = whole
    const pdu = version.format.eventId === 'given' ? signed : withoutId(signed)
    const refusal = checkFields(pdu, version, { mayBeOld: true }) ?? checkProofs(pdu)
    if (refusal !== undefined) return refusal.message
    const event = trustedEvent(pdu, source.eventId, version)
    if (event.roomId !== roomId) return 'it is of another room'
    return {
      event,
      json: canonicalJsonAsRead(pdu),
      rejected: source.rejected ?? undefined,
      softFailed: noteOf(source.notes, 'soft_failed') === true,
      receivedTs: source.receivedTs ?? event.originServerTs,
      unsigned: isJsonObject(unsigned) ? unsigned : {},
    }
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
}

const withoutId = ({ event_id: _, ...pdu }: JsonObject): JsonObject => pdu

const noteOf = (notes: string, name: string): JsonValue | undefined => {
  try {
    const read = parseJson(notes)
    return isJsonObject(read) ? read[name] : undefined
  } catch {
    return undefined
  }
}
