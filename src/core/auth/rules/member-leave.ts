import type { Verdict } from '../../event/event.ts'
import { refuse } from '../refusal.ts'
import { type MemberEvent, mayDo, membershipOf, power, type RoomView } from '../room-view.ts'

/** "If `membership` is `leave`": leaving, declining an invite, taking back a knock, kicking, unbanning. */
export const leaveRule = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey: target } = event
  const senderMembership = membershipOf(sender, room)
  // "If the sender matches state_key, allow iff that user's membership is invite, join, or (since v7) knock."
  if (sender === target) {
    if (senderMembership === 'invite' || senderMembership === 'join') return undefined
    if (senderMembership === 'knock' && event.version.auth.knock) return undefined
    return refuse('member.leave.not_in_room', `${sender} is neither in the room nor invited.`)
  }
  // "If the sender's current membership state is not join, reject."
  if (senderMembership !== 'join') {
    return refuse('member.kick.sender_not_joined', `${sender} is not in the room.`)
  }
  // "If the target user's membership state is ban, and the sender's level is less than the ban level, reject."
  if (membershipOf(target, room) === 'ban' && !mayDo('ban', sender, room)) {
    return refuse('member.unban.power', `${sender} may not lift bans.`)
  }
  // "If the sender's level is at least the kick level, and the target's is less than the sender's, allow."
  if (!mayDo('kick', sender, room)) return refuse('member.kick.power', `${sender} may not remove members.`)
  if (power(target, room) < power(sender, room)) return undefined
  return refuse('member.kick.target_power', `${target} has as much power as ${sender}, or more.`)
}
