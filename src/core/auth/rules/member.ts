import type { RoomEvent, Verdict } from '../../event/event.ts'
import { quoted, refuse } from '../refusal.ts'
import type { MemberEvent, RoomView } from '../room-view.ts'
import { banRule } from './member-ban.ts'
import { inviteRule } from './member-invite.ts'
import { joinRuleCheck } from './member-join.ts'
import { knockRule } from './member-knock.ts'
import { leaveRule } from './member-leave.ts'

/** "If type is `m.room.member`": one rule for each membership. */
export const memberRule = (event: RoomEvent, room: RoomView): Verdict => {
  const membership = event.content['membership']
  // "If there is no state_key property, or no membership property in content, reject."
  if (!hasTarget(event) || membership === undefined) {
    return refuse('member.format', 'A member event names a user in its state key and a membership.')
  }
  switch (membership) {
    case 'join':
      return joinRuleCheck(event, room)
    case 'invite':
      return inviteRule(event, room)
    case 'leave':
      return leaveRule(event, room)
    case 'ban':
      return banRule(event, room)
    case 'knock':
      // Since v7; before, it is a membership like any other that nobody knows.
      if (event.version.auth.knock) return knockRule(event, room)
  }
  // "Otherwise, the membership is unknown. Reject."
  return refuse('member.unknown', `The room version knows no membership ${quoted(membership)}.`)
}

const hasTarget = (event: RoomEvent): event is MemberEvent => event.stateKey !== undefined
