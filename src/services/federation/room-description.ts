import { strippedStateEvent, withinReason } from '../../core/event/client-event.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import type { FormatOptions } from '../../core/event/fields.ts'
import { parsePdu } from '../../core/event/format.ts'
import { contentHashMatches } from '../../core/event/signatures.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { Verified } from './verify-event.ts'

/** A room as another server describes it to somebody who is not in it (`invite_room_state`, `knock_room_state`). */
export interface RoomDescription {
  /** As clients get it. */
  readonly stripped: JsonObject[]
  /** Whether the create event is there, as one of this room. */
  readonly hasCreate: boolean
  /** When the room was made (milliseconds), where the whole create event is there. */
  readonly createdTs?: number
  /** Entries that are no events of this room, or wrongly signed: left out. So is what nobody can verify, of servers that are gone. */
  readonly improper: number
}

/** More is not looked at. */
const MAX_EVENTS = 100

/**
 * Reads what describes a room. "Entries which are improperly signed or formatted SHOULD be removed by the server prior to
 * supplying them over the Client-Server API".
 *
 * Servers from before v1.16 send extracts of events, also of rooms of version 12 (Synapse until the middle of 2026): from those who
 * send nothing else these are taken as they are, and in rooms of older versions beside whole events. "Servers may extend" the time
 * for that "as required to support their users".
 */
export const readDescription = async (
  given: readonly JsonValue[],
  room: { readonly roomId: string; readonly version: RoomVersion },
  verify: (
    pdus: readonly JsonValue[],
    version: RoomVersion,
    options: FormatOptions,
  ) => Promise<readonly Verified[]>,
): Promise<RoomDescription> => {
  const entries = given.slice(0, MAX_EVENTS)
  const whole = entries.filter(entry => isJsonObject(entry) && isWhole(entry))
  const takesExtracts = whole.length === 0 || !room.version.format.roomIdIsCreateHash
  const extracts = takesExtracts
    ? entries.filter(isJsonObject).filter(entry => !isWhole(entry) && isStripped(entry))
    : []
  const described: JsonObject[] = []
  let createdTs: number | undefined
  let unproven = 0
  for (const [index, verified] of (await verify(whole, room.version, { mayBeOld: true })).entries()) {
    const event = 'event' in verified ? verified.event : provenById(whole[index], room)
    if (event === undefined) {
      if ('refusal' in verified && verified.unknownSigner !== undefined) unproven += 1
      continue
    }
    if (event.stateKey === undefined || event.roomId !== room.roomId) continue
    described.push(strippedStateEvent(event))
    if (isCreate(event.type, event.stateKey)) createdTs = event.originServerTs
  }
  return {
    stripped: withinReason([...described, ...extracts.map(stripped)]),
    hasCreate: createdTs !== undefined || extracts.some(({ type, state_key: key }) => isCreate(type, key)),
    ...(createdTs === undefined ? {} : { createdTs }),
    improper: entries.length - described.length - extracts.length - unproven,
  }
}

const isCreate = (type: unknown, stateKey: unknown): boolean => type === 'm.room.create' && stateKey === ''

/** The create event of a room whose ID is its hash, which needs nobody's word: its creator's server may be gone. */
const provenById = (
  pdu: JsonValue | undefined,
  { roomId, version }: { readonly roomId: string; readonly version: RoomVersion },
): RoomEvent | undefined => {
  if (!version.format.roomIdIsCreateHash || !isJsonObject(pdu)) return undefined
  const parsed = parsePdu(pdu, version, { mayBeOld: true })
  if (!('event' in parsed) || !isCreate(parsed.event.type, parsed.event.stateKey)) return undefined
  const { event } = parsed
  return event.roomId === roomId && contentHashMatches(event) ? event : undefined
}

const isWhole = (event: JsonObject): boolean => event['signatures'] !== undefined

const isStripped = ({ type, sender, state_key: stateKey, content }: JsonObject): boolean =>
  typeof type === 'string' &&
  typeof sender === 'string' &&
  typeof stateKey === 'string' &&
  isJsonObject(content)

const stripped = ({ type, sender, state_key, content }: JsonObject): JsonObject => ({
  type,
  sender,
  state_key,
  content,
})
