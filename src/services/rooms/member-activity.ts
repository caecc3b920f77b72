import { MemberActivityReader, type MemberEventRef } from '../../storage/rooms/member-activity.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { membershipOf } from './room-head.ts'
import type { RoomsContext } from './rooms-context.ts'

/** Member events that are looked through for one answer: what is counted is not more. */
const MAX_EVENTS = 50_000
/** Of them at a time. */
const SLICE = 500

const ALL: readonly Membership[] = ['join', 'invite', 'knock', 'leave', 'ban']

/** What administrators want to know of how users come into rooms, and bring others in. */
export class MemberActivity {
  readonly #read: RoomsContext['read']
  readonly #members: MemberActivityReader

  constructor({ db, read }: Pick<RoomsContext, 'db' | 'read'>) {
    this.#read = read
    this.#members = new MemberActivityReader(db)
  }

  /** A user's membership by room, in all rooms that this server knows it of. */
  async memberships(userId: string): Promise<Record<string, Membership>> {
    const rows = await this.#read.memberships.ofUser(userId, ALL)
    return Object.fromEntries(rows.map(row => [row.roomId, row.membership]))
  }

  /** How many invitations a user has sent since an instant (ms). */
  async sentInvitations(userId: string, since: number): Promise<number> {
    const refs = await this.#members.byUser(userId, since, MAX_EVENTS)
    return (await this.#having('invite', refs)).length
  }

  /** How many rooms a user has joined since an instant (ms), left again or not. */
  async joinedRooms(userId: string, since: number): Promise<number> {
    const refs = await this.#members.ofUser(userId, since, MAX_EVENTS)
    return new Set((await this.#having('join', refs)).map(({ roomNid }) => roomNid)).size
  }

  async #having(membership: Membership, refs: readonly MemberEventRef[]): Promise<{ roomNid: number }[]> {
    const found: { roomNid: number }[] = []
    for (let start = 0; start < refs.length; start += SLICE) {
      const nids = refs.slice(start, start + SLICE).map(({ nid }) => nid)
      for (const stored of await this.#read.events.byNids(nids))
        if (membershipOf(stored.event) === membership) found.push({ roomNid: stored.roomNid })
    }
    return found
  }
}
