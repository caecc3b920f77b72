import { strippedStateEvent, withinReason } from '../../core/event/client-event.ts'
import type { FormatOptions } from '../../core/event/fields.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { Verified } from './verify-event.ts'

/** A room as another server describes it to somebody who is not in it (`invite_room_state`, `knock_room_state`). */
export interface RoomDescription {
  /** As clients get it. */
  readonly stripped: JsonObject[]
  /** Whether the create event is there, and makes this room. */
  readonly hasCreate: boolean
  /** When the room was made (milliseconds), where the whole create event is there. */
  readonly createdTs?: number
  /** Entries that are no events of this room, or not rightly signed: left out. */
  readonly improper: number
}

/** More is not looked at. */
const MAX_EVENTS = 100

/**
 * Reads what describes a room. "Entries which are improperly signed or formatted SHOULD be removed by the server prior to
 * supplying them over the Client-Server API"; what comes stripped, as from servers before v1.16, is taken as it is in
 * rooms of versions that are older than that rule.
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
  const isYoung = room.version.format.roomIdIsCreateHash
  const old = isYoung
    ? []
    : entries.filter(isJsonObject).filter(entry => !isWhole(entry) && isStripped(entry))
  const whole = entries.filter(entry => isJsonObject(entry) && isWhole(entry))
  const described: JsonObject[] = []
  let createdTs: number | undefined
  for (const verified of await verify(whole, room.version, { mayBeOld: true })) {
    if (!('event' in verified)) continue
    const { event } = verified
    if (event.stateKey === undefined || event.roomId !== room.roomId) continue
    described.push(strippedStateEvent(event))
    if (event.type === 'm.room.create' && event.stateKey === '') createdTs = event.originServerTs
  }
  return {
    stripped: withinReason([...described, ...old.map(stripped)]),
    hasCreate: createdTs !== undefined,
    ...(createdTs === undefined ? {} : { createdTs }),
    improper: entries.length - described.length - old.length,
  }
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
