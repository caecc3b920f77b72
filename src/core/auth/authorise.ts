import type { RoomEvent, StateLookup, Verdict } from '../event/event.ts'
import { serverNameOf } from '../ids.ts'
import { levelToSend } from './power-levels.ts'
import { refuse } from './refusal.ts'
import { mayDo, membershipOf, power, type RoomView, viewRoom } from './room-view.ts'
import { aliasesRule } from './rules/aliases.ts'
import { createRule } from './rules/create.ts'
import { memberRule } from './rules/member.ts'
import { powerLevelsRule } from './rules/power-levels.ts'
import { redactionRule } from './rules/redaction-v1.ts'

/** The state to judge an event by. */
export interface AuthorisationContext {
  /** State before the event, the event's own auth events, or the current state: see the order of checks. */
  readonly state: StateLookup
  /**
   * The room's accepted create event. Since v12 it is never among the auth events and comes from the room ID; before,
   * it may be left `undefined`, and the one in `state` is taken.
   */
  readonly createEvent: RoomEvent | undefined
}

/**
 * The authorisation rules of the event's room version that depend on state (rooms/v1.md … v12.md, "Authorisation
 * rules"). Pure: what it answers follows from its arguments alone. `undefined` means allowed.
 *
 * Not here: the rules about `auth_events` (`checkAuthEvents`), and all signatures of the event. In particular "if the
 * event is not validly signed by the homeserver of `join_authorised_via_users_server`, reject" (since v8) is
 * answered by the signature check on receipt, which counts that server among the required signers. The signatures
 * *within* a third-party invite are checked here, since their keys are state.
 */
export const authorise = (event: RoomEvent, context: AuthorisationContext): Verdict => {
  // 1. "If type is m.room.create."
  if (event.type === 'm.room.create') return createRule(event)
  const create = context.createEvent ?? context.state('m.room.create', '')
  const refused = checkCreate(event, create)
  if (refused || create === undefined) return refused
  const room = viewRoom(context.state, create)
  // 4, until v5. "If type is m.room.aliases."
  if (event.type === 'm.room.aliases' && event.version.auth.aliasesRule) return aliasesRule(event)
  // 5. "If type is m.room.member."
  if (event.type === 'm.room.member') return memberRule(event, room)
  return authoriseOfMember(event, room)
}

const checkCreate = (event: RoomEvent, create: RoomEvent | undefined): Verdict => {
  if (create === undefined) {
    return refuse('create.missing', 'The room has no create event that was accepted.')
  }
  // 2, since v12. "If the room_id is not an event ID for an accepted m.room.create event, with the sigil !, reject."
  if (event.version.format.roomIdIsCreateHash && event.roomId !== `!${create.eventId.slice(1)}`) {
    return refuse('create.other_room', 'The create event is that of another room.')
  }
  // 3. "If m.federate is false, and the sender domain does not match the sender domain of the create event, reject."
  if (create.content['m.federate'] === false && serverNameOf(event.sender) !== serverNameOf(create.sender)) {
    return refuse('federate', 'The room is closed to users of other servers.')
  }
  return undefined
}

/** The rules from "If the sender's current membership state is not join, reject" on. */
const authoriseOfMember = (event: RoomEvent, room: RoomView): Verdict => {
  const { sender, type, stateKey } = event
  // "If the sender's current membership state is not join, reject."
  if (membershipOf(sender, room) !== 'join') {
    return refuse('sender.not_joined', `${sender} is not in the room.`)
  }
  // "If type is m.room.third_party_invite: allow if and only if sender's level is at least the invite level."
  if (type === 'm.room.third_party_invite') {
    if (mayDo('invite', sender, room)) return undefined
    return refuse('third_party_invite.power', `${sender} may not invite.`)
  }
  // "If the event type's required power level is greater than the sender's power level, reject."
  const required = levelToSend(type, stateKey !== undefined, room.powers)
  if (required > power(sender, room)) {
    return refuse('send.power', `${sender} has less than power level ${required}, which ${type} takes.`)
  }
  // "If the event has a state_key that starts with an @ and does not match the sender, reject."
  if (stateKey?.startsWith('@') && stateKey !== sender) {
    return refuse('state_key.other_user', `Only ${stateKey} may set state under their user ID.`)
  }
  // "If type is m.room.power_levels."
  if (type === 'm.room.power_levels') return powerLevelsRule(event, room)
  // Only v1 and v2: "If type is m.room.redaction."
  if (type === 'm.room.redaction' && event.version.redaction.authorisedByAuthRules) {
    return redactionRule(event, room)
  }
  return undefined
}
