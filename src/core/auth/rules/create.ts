import type { RoomEvent, Verdict } from '../../event/event.ts'
import { isUserId, serverNameOf } from '../../ids.ts'
import { roomVersion } from '../../room-versions.ts'
import { refuse } from '../refusal.ts'

/** "If type is `m.room.create`" (rule 1 of every version). */
export const createRule = (event: RoomEvent): Verdict => {
  const { content, version } = event
  // "If it has any prev_events, reject."
  if (event.prevEvents.length > 0) {
    return refuse('create.prev_events', 'A create event is the first of its room and follows no other.')
  }
  if (version.format.roomIdIsCreateHash) {
    // Since v12: "If the event has a room_id, reject."
    if (Object.hasOwn(event.pdu, 'room_id')) {
      return refuse('create.room_id', 'The room ID follows from the create event, which must not hold one.')
    }
  } else if (serverNameOf(event.roomId) !== serverNameOf(event.sender)) {
    // "If the domain of the room_id does not match the domain of the sender, reject."
    return refuse('create.domain', 'The room ID belongs to another server than the creator.')
  }
  // "If content.room_version is present and is not a recognised version, reject."
  const named = content['room_version']
  if (named !== undefined && (typeof named !== 'string' || roomVersion(named) === undefined)) {
    return refuse('create.version', 'The create event names a room version that is not known.')
  }
  // Until v10: "If content has no creator property, reject."
  if (!version.auth.creatorIsSender && content['creator'] === undefined) {
    return refuse('create.creator', 'The create event does not name the creator.')
  }
  // Since v12: "If additional_creators is present and is not an array of valid user IDs, reject."
  const additional = content['additional_creators']
  if (version.auth.privilegedCreators && additional !== undefined) {
    if (
      !Array.isArray(additional) ||
      !additional.every((id: unknown) => typeof id === 'string' && isUserId(id))
    ) {
      return refuse('create.additional_creators', 'The additional creators are not a list of user IDs.')
    }
  }
  return undefined
}
