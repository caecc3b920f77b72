import type { JsonObject, JsonValue } from '../json.ts'
import type { RoomEvent } from './event.ts'
import { STICKY, stickyDuration } from './stickiness.ts'

/** Clients of either age find what a redaction redacts: at the top level, and in the content (rooms/v11.md). */
const withRedactsInContent = ({ content, redacts }: RoomEvent): JsonObject =>
  redacts === undefined || content['redacts'] === redacts ? content : { ...content, redacts }

/**
 * An event in the format of the client-server API ("Room event format"). Of `unsigned` only what is given here goes
 * out: what a peer put there is never passed on.
 *
 * @param options.roomId whether `room_id` is a member; not in `/sync`, where rooms are keys.
 */
export const clientEvent = (
  event: RoomEvent,
  options: { readonly unsigned?: JsonObject | undefined; readonly roomId: boolean },
): JsonObject => {
  const made: Record<string, JsonValue | undefined> = {
    content: withRedactsInContent(event),
    event_id: event.eventId,
    origin_server_ts: event.originServerTs,
  }
  if (event.redacts !== undefined) made['redacts'] = event.redacts
  if (options.roomId) made['room_id'] = event.roomId
  if (stickyDuration(event) !== undefined) made[STICKY] = event.pdu[STICKY]
  made['sender'] = event.sender
  if (event.stateKey !== undefined) made['state_key'] = event.stateKey
  made['type'] = event.type
  if (options.unsigned !== undefined) made['unsigned'] = options.unsigned
  return made
}

/** The little of a state event that people outside of the room may see (client-server API, "Stripped state"). */
export const strippedStateEvent = (event: RoomEvent): JsonObject => ({
  content: event.content,
  sender: event.sender,
  state_key: event.stateKey ?? '',
  type: event.type,
})

/** What a room is described by, in bytes of JSON: somebody may have hundreds of invitations, which they are told of at once. */
const MAX_DESCRIPTION = 65_536

/** Of the events that describe a room those that are not too much, the first before the others. */
export const withinReason = (stripped: readonly JsonObject[]): JsonObject[] => {
  let left = MAX_DESCRIPTION
  return stripped.filter(event => {
    const size = Buffer.byteLength(JSON.stringify(event))
    if (size > left) return false
    left -= size
    return true
  })
}
