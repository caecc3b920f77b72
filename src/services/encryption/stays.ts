import type { EventReader } from '../../storage/rooms/events.ts'
import type { StateReader } from '../../storage/rooms/state.ts'
import { membershipOf } from '../rooms/room-head.ts'

/** Somebody in a room. */
export interface RoomMember {
  readonly roomNid: number
  readonly userId: string
}

/** A stretch of the `events` stream. */
interface EventSpan {
  readonly after: number
  readonly upTo: number
}

/** What of the rooms tells where people were. */
interface History {
  readonly state: Pick<StateReader, 'point' | 'spans'>
  readonly events: Pick<EventReader, 'byNids'>
}

/**
 * Tells since when people have been in rooms. Of devices servers tell each other only while a room is shared ("to all the
 * servers who share a room with a given local user"): what is known of them is good for one stay. Whoever was out of the
 * room, be it for a moment, may have changed devices untold.
 */
export class Stays {
  readonly #rooms: History

  constructor(rooms: History) {
    this.#rooms = rooms
  }

  /** Whether somebody was in a room at a position. */
  async isIn({ roomNid, userId }: RoomMember, position: number): Promise<boolean> {
    const { state, events } = this.#rooms
    const nid = await state.point(roomNid, 'm.room.member', userId, position)
    const [stored] = nid === undefined ? [] : await events.byNids([nid])
    return stored !== undefined && membershipOf(stored.event) === 'join'
  }

  /**
   * Whether somebody was in a room at one position, at another, and all the time in between. A leave that this server has not
   * heard of shows as well: among the auth events of a join is "the target's current `m.room.member` event".
   */
  async isUnbroken({ roomNid, userId }: RoomMember, { after, upTo }: EventSpan): Promise<boolean> {
    const { state, events } = this.#rooms
    const spans = await state.spans(roomNid, 'm.room.member', userId, { after, upTo })
    const stored = await events.byNids(spans.map(({ nid }) => nid))
    const joins = stored.map(({ event }) => event).filter(event => membershipOf(event) === 'join')
    const [first] = spans
    if (first === undefined || first.from > after || joins.length < spans.length) return false
    return spans.every(({ to }, index) => {
      const [join, next] = joins.slice(index, index + 2)
      if (join === undefined || next === undefined) return to === undefined || to > upTo
      return to === spans[index + 1]?.from && next.authEvents.includes(join.eventId)
    })
  }
}
