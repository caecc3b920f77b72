import type { StatePoint } from '../event/event.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'

/** What the selection looks at; a `RoomEvent` is one, and so is an event that is still being built. */
export interface AuthSelectionInput {
  readonly type: string
  readonly sender: string
  readonly stateKey: string | undefined
  readonly content: JsonObject
}

const MEMBERSHIPS_UNDER_JOIN_RULES: readonly unknown[] = ['join', 'invite', 'knock']

/** The token that an invite presents, or `undefined` where it presents none or a malformed one. */
export const thirdPartyToken = (content: JsonObject): string | undefined => {
  const invite = content['third_party_invite']
  const signed = isJsonObject(invite) ? invite['signed'] : undefined
  const token = isJsonObject(signed) ? signed['token'] : undefined
  return typeof token === 'string' ? token : undefined
}

/**
 * Which points of the room's state an event takes as its auth events (server-server API, "Auth events selection").
 * Points that the state does not hold are simply left out by the caller. Each point is named once; the order is fixed.
 */
export const authEventsFor = (event: AuthSelectionInput, version: RoomVersion): StatePoint[] => {
  // "The auth_events for the m.room.create event is empty."
  if (event.type === 'm.room.create') return []
  const points: StatePoint[] = []
  // "Depending on the room version, the m.room.create event": since v12 the room ID implies it.
  if (!version.auth.createEventImplied) points.push({ type: 'm.room.create', stateKey: '' })
  points.push({ type: 'm.room.power_levels', stateKey: '' })
  points.push({ type: 'm.room.member', stateKey: event.sender })
  if (event.type === 'm.room.member') points.push(...memberPoints(event, version))
  return points
}

const memberPoints = (event: AuthSelectionInput, version: RoomVersion): StatePoint[] => {
  const { sender, stateKey: target, content } = event
  const membership = content['membership']
  const points: StatePoint[] = []
  // "The target's current m.room.member event."
  if (target !== undefined && target !== sender) points.push({ type: 'm.room.member', stateKey: target })
  // "If membership is join, invite or knock, the current m.room.join_rules event."
  if (MEMBERSHIPS_UNDER_JOIN_RULES.includes(membership)) {
    points.push({ type: 'm.room.join_rules', stateKey: '' })
  }
  // "If membership is invite and content contains third_party_invite, the m.room.third_party_invite of its token."
  const token = membership === 'invite' ? thirdPartyToken(content) : undefined
  if (token !== undefined) points.push({ type: 'm.room.third_party_invite', stateKey: token })
  // Since v8: "if membership is join and join_authorised_via_users_server is present, that user's member event."
  const authoriser = content['join_authorised_via_users_server']
  if (membership === 'join' && version.auth.restricted && typeof authoriser === 'string') {
    if (authoriser !== sender && authoriser !== target) {
      points.push({ type: 'm.room.member', stateKey: authoriser })
    }
  }
  return points
}
