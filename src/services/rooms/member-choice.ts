import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { membershipOf } from './room-head.ts'

/** Which members a client asks for. */
export interface MembershipChoice {
  readonly membership?: Membership | undefined
  readonly notMembership?: Membership | undefined
}

/** "The two parameters create an 'or' condition: either the membership *is* the same as `membership` **or** *is not* the same as `not_membership`." */
export const chosenBy = (choice: MembershipChoice): ((stored: StoredEvent) => boolean) => {
  if (choice.membership === undefined && choice.notMembership === undefined) return () => true
  return ({ event }) => {
    const membership = membershipOf(event)
    if (choice.membership !== undefined && membership === choice.membership) return true
    return choice.notMembership !== undefined && membership !== choice.notMembership
  }
}
