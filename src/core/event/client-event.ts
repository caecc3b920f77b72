import type { JsonObject } from '../json.ts'
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
): JsonObject => ({
  content: withRedactsInContent(event),
  event_id: event.eventId,
  origin_server_ts: event.originServerTs,
  ...(event.redacts === undefined ? {} : { redacts: event.redacts }),
  ...(options.roomId ? { room_id: event.roomId } : {}),
  ...(stickyDuration(event) === undefined ? {} : { [STICKY]: event.pdu[STICKY] }),
  sender: event.sender,
  ...(event.stateKey === undefined ? {} : { state_key: event.stateKey }),
  type: event.type,
  ...(options.unsigned === undefined ? {} : { unsigned: options.unsigned }),
})

/** The little of a state event that people outside of the room may see (client-server API, "Stripped state"). */
export const strippedStateEvent = (event: RoomEvent): JsonObject => ({
  content: event.content,
  sender: event.sender,
  state_key: event.stateKey ?? '',
  type: event.type,
})
