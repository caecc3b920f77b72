import type { RecentMember } from '../../storage/encryption/companions.ts'
import type { EventReader } from '../../storage/rooms/events.ts'
import type { StateReader } from '../../storage/rooms/state.ts'
import type { StateSpan } from '../../storage/rooms/state-entry.ts'
import { membershipOf } from '../rooms/room-head.ts'

/** Somebody in a room. */
export interface RoomMember {
  readonly roomNid: number
  readonly userId: string
}

/** A stretch of the `events` stream. */
export interface EventSpan {
  readonly after: number
  readonly upTo: number
}

/** What of the rooms tells where people were. */
interface History {
  readonly state: Pick<StateReader, 'spans'>
  readonly events: Pick<EventReader, 'byNids'>
}

/** Whether somebody was in a room at the beginning of a span, is so at its end, and was all the time between. */
export interface Stay {
  readonly was: boolean
  readonly is: boolean
  readonly isUnbroken: boolean
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

  /** Whether somebody was in a room at a position, given what they are there now. */
  async wasIn(member: RecentMember, position: number): Promise<boolean> {
    if (member.membership === 'join' && member.position <= position) return true
    return this.isIn(member, position)
  }

  /** Whether somebody was in a room at a position. */
  async isIn(member: RoomMember, position: number): Promise<boolean> {
    return (await this.over(member, { after: position, upTo: position })).is
  }

  /**
   * What somebody has done in a room over a span. Who went and came back has come: nobody may have told this server of what they
   * changed meanwhile, nor will be asked for it again but by clients that are told so.
   */
  async move(member: RoomMember, span: EventSpan): Promise<'came' | 'went' | undefined> {
    const { was, is, isUnbroken } = await this.over(member, span)
    if (is) return isUnbroken ? undefined : 'came'
    return was ? 'went' : undefined
  }

  /**
   * How somebody was in a room over a span. A leave that this server has not heard of breaks a stay as well: among the auth
   * events of a join is "the target's current `m.room.member` event".
   */
  async over({ roomNid, userId }: RoomMember, { after, upTo }: EventSpan): Promise<Stay> {
    const { state, events } = this.#rooms
    const turns = await state.spans(roomNid, 'm.room.member', userId, { after, upTo })
    const stored = await events.byNids(turns.map(({ nid }) => nid))
    const joins = new Map(
      stored.filter(({ event }) => membershipOf(event) === 'join').map(({ nid, event }) => [nid, event]),
    )
    const isJoinAt = (position: number): boolean =>
      turns.some(
        ({ nid, from, to = Number.POSITIVE_INFINITY }) => joins.has(nid) && from <= position && position < to,
      )
    const follows = ({ nid, from }: StateSpan, before: StateSpan): boolean =>
      before.to === from && joins.get(nid)?.authEvents.includes(joins.get(before.nid)?.eventId ?? '') === true
    const [was, is] = [isJoinAt(after), isJoinAt(upTo)]
    const pairs = turns.slice(1).map((turn, index) => [turns[index], turn] as const)
    const isUnbroken = was && is && pairs.every(([before, turn]) => before && follows(turn, before))
    return { was, is, isUnbroken }
  }
}
