import type { Verdict } from '../../event/event.ts'
import { quoted, refuse } from '../refusal.ts'
import { joinRule, type MemberEvent, membershipOf, type RoomView } from '../room-view.ts'

const NOTHING_TO_KNOCK_FOR: readonly unknown[] = ['ban', 'invite', 'join']

/** Since v7: "If `membership` is `knock`." */
export const knockRule = (event: MemberEvent, room: RoomView): Verdict => {
  const { sender, stateKey } = event
  // "If the join_rule is anything other than knock, or (since v10) knock_restricted, reject."
  const rule = joinRule(room)
  if (rule !== 'knock' && !(event.version.auth.knockRestricted && rule === 'knock_restricted')) {
    return refuse('member.knock.rule', `The join rule ${quoted(rule)} does not let anybody knock.`)
  }
  // "If sender does not match state_key, reject."
  if (sender !== stateKey) return refuse('member.knock.other_user', `${sender} cannot knock for ${stateKey}.`)
  // "If the sender's current membership is not ban, invite, or join, allow. Otherwise, reject."
  const membership = membershipOf(sender, room)
  if (!NOTHING_TO_KNOCK_FOR.includes(membership)) return undefined
  return refuse('member.knock.membership', `${sender} cannot knock: their membership is ${membership}.`)
}
