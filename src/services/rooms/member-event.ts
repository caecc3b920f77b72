import type { RoomEvent } from '../../core/event/event.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { membershipOf } from './room-head.ts'

/** What the state keeps of a member event that is stored: little, since a room may have very many of them. */
export interface MemberEvent {
  readonly nid: number
  readonly generation: number
  readonly eventId: string
  readonly userId: string
  /** `undefined` for anything unknown. */
  readonly membership: Membership | undefined
  /** Whatever it says of the member's name. */
  readonly displayname: RoomEvent['content'][string]
}

/** What the state keeps of an event, if it is one about a member. */
export const memberEventOf = ({
  nid,
  generation,
  event,
}: Pick<StoredEvent, 'nid' | 'generation' | 'event'>): MemberEvent | undefined => {
  const { type, stateKey, eventId, content } = event
  if (type !== 'm.room.member' || stateKey === undefined) return undefined
  return {
    ...{ nid, generation, eventId, userId: stateKey },
    ...{ membership: membershipOf(event), displayname: content['displayname'] },
  }
}
