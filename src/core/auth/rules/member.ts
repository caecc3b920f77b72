import type { RoomEvent, Verdict } from '../../event/event.ts'
import { refuse } from '../refusal.ts'
import type { RoomView } from '../room-view.ts'
import { banRule } from './member-ban.ts'
import { inviteRule } from './member-invite.ts'
import { joinRuleCheck } from './member-join.ts'
import { knockRule } from './member-knock.ts'
import { leaveRule } from './member-leave.ts'

/** A member event whose target (its state key) is known. */
export type MemberEvent = RoomEvent & { readonly stateKey: string }

/** "If type is `m.room.member`": one rule for each membership. */
export const memberRule = (event: RoomEvent, room: RoomView): Verdict => {
  const { stateKey, content } = event
  const membership = content['membership']
  // "If there is no state_key property, or no membership property in content, reject."
  if (stateKey === undefined || membership === undefined) {
    return refuse('member.format', 'A member event names a user in its state key and a membership.')
  }
  const member: MemberEvent = { ...event, stateKey }
  switch (membership) {
    case 'join':
      return joinRuleCheck(member, room)
    case 'invite':
      return inviteRule(member, room)
    case 'leave':
      return leaveRule(member, room)
    case 'ban':
      return banRule(member, room)
    case 'knock':
      // Since v7; before, it is a membership like any other that nobody knows.
      if (event.version.auth.knock) return knockRule(member, room)
  }
  // "Otherwise, the membership is unknown. Reject."
  return refuse('member.unknown', `The room version knows no membership ${JSON.stringify(membership)}.`)
}
