import type { Verdict } from '../../event/event.ts'
import { roomCreators } from '../power-levels.ts'
import { quoted, refuse } from '../refusal.ts'
import { joinRule, type MemberEvent, mayDo, membershipOf, type RoomView } from '../room-view.ts'

/** "If `membership` is `join`." */
export const joinRuleCheck = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey, prevEvents } = event
  // "If the only previous event is an m.room.create and the state_key is the creator, allow."
  if (prevEvents.length === 1 && prevEvents[0] === room.create.eventId && stateKey === firstMember(room)) {
    return undefined
  }
  // "If the sender does not match state_key, reject."
  if (sender !== stateKey) return refuse('member.join.other_user', `${sender} cannot join for ${stateKey}.`)
  // "If the sender is banned, reject."
  const membership = membershipOf(sender, room)
  if (membership === 'ban') return refuse('member.join.banned', `${sender} is banned from the room.`)
  return byJoinRule(event, room, membership === 'invite' || membership === 'join')
}

/** The creator who opens the room. Additional creators (v12) join like everybody else. */
const firstMember = (room: RoomView): string | undefined => roomCreators(room.create, room.create.version)[0]

const byJoinRule = (event: MemberEvent, room: RoomView, admitted: boolean): Verdict => {
  const { knock, restricted, knockRestricted } = event.version.auth
  const rule = joinRule(room)
  // "If the join_rule is invite, or (since v7) knock, then allow if membership state is invite or join."
  if (rule === 'invite' || (knock && rule === 'knock')) {
    return admitted ? undefined : refuse('member.join.not_invited', `${event.sender} is not invited.`)
  }
  // Since v8: "If the join_rule is restricted", since v10 "or knock_restricted".
  if ((restricted && rule === 'restricted') || (knockRestricted && rule === 'knock_restricted')) {
    // "If membership state is join or invite, allow."
    return admitted ? undefined : byAuthoriser(event, room)
  }
  // "If the join_rule is public, allow. Otherwise, reject."
  if (rule === 'public') return undefined
  return refuse('member.join.rule', `The join rule ${quoted(rule)} lets nobody in.`)
}

/**
 * "If the `join_authorised_via_users_server` key is not a user with sufficient permission to invite other users or is
 * not a joined member of the room, reject. Otherwise, allow." That user's server must have signed the event, which
 * the signature check on receipt sees to.
 */
const byAuthoriser = (event: MemberEvent, room: RoomView): Verdict => {
  const authoriser = event.content['join_authorised_via_users_server']
  if (typeof authoriser !== 'string') {
    return refuse('member.join.restricted', `${event.sender} is not invited, and no member vouches for them.`)
  }
  if (membershipOf(authoriser, room) !== 'join') {
    return refuse('member.join.authoriser_not_joined', `${authoriser}, who vouches, is not in the room.`)
  }
  if (!mayDo('invite', authoriser, room)) {
    return refuse('member.join.authoriser_power', `${authoriser}, who vouches, may not invite.`)
  }
  return undefined
}
