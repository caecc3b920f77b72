import type { Verdict } from '../../event/event.ts'
import { refuse } from '../refusal.ts'
import { type MemberEvent, mayDo, membershipOf, power, type RoomView } from '../room-view.ts'

/** "If `membership` is `ban`." */
export const banRule = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey: target } = event
  // "If the sender's current membership state is not join, reject."
  if (membershipOf(sender, room) !== 'join') {
    return refuse('member.ban.sender_not_joined', `${sender} is not in the room.`)
  }
  // "If the sender's level is at least the ban level, and the target's is less than the sender's, allow."
  if (!mayDo('ban', sender, room)) return refuse('member.ban.power', `${sender} may not ban.`)
  if (power(target, room) < power(sender, room)) return undefined
  return refuse('member.ban.target_power', `${target} has as much power as ${sender}, or more.`)
}
