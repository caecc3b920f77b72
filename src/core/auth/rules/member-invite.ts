import type { Verdict } from '../../event/event.ts'
import { refuse } from '../refusal.ts'
import { type MemberEvent, mayDo, membershipOf, type RoomView } from '../room-view.ts'
import { thirdPartyInviteRule } from './third-party-invite.ts'

/** "If `membership` is `invite`." */
export const inviteRule = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey: target } = event
  // "If content has a third_party_invite property", that alone decides.
  if (event.content['third_party_invite'] !== undefined) return thirdPartyInviteRule(event, room)
  // "If the sender's current membership state is not join, reject."
  if (membershipOf(sender, room) !== 'join') {
    return refuse('member.invite.sender_not_joined', `${sender} is not in the room.`)
  }
  // "If target user's current membership state is join or ban, reject."
  const membership = membershipOf(target, room)
  // mautrix bridges know by these words that there is nobody left to invite, and go on.
  if (membership === 'join') return refuse('member.invite.joined', `${target} is already in the room.`)
  if (membership === 'ban') return refuse('member.invite.banned', `${target} is banned from the room.`)
  // "If the sender's power level is greater than or equal to the invite level, allow. Otherwise, reject."
  if (mayDo('invite', sender, room)) return undefined
  return refuse('member.invite.power', `${sender} may not invite.`)
}
