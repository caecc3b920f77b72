import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Membership, MembershipRow } from '../../storage/rooms/memberships.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { Sight, Sights } from '../rooms/room-sight.ts'
import { END } from '../rooms/visible-ranges.ts'
import { type InvitationTexts, NO_INVITATIONS } from './invitations.ts'
import type { PartialSpans } from './partial-spans.ts'
import { AHEAD, inOrder, type Section } from './response.ts'
import { type Candidate, RoomCandidates } from './room-candidates.ts'
import type { JoinedNews, LeftNews } from './room-news.ts'
import type { RoomSections } from './room-section.ts'
import type { Place } from './room-timeline.ts'
import type { RoomsNow } from './rooms-now.ts'
import type { SyncRequest } from './sync-request.ts'
import type { ExtrasByRoom, RoomExtras } from './sync-source.ts'
import { toldAt } from './told-at.ts'

/** Everything that a response tells of rooms. */
interface Told {
  readonly joined: readonly JoinedNews[]
  readonly left: readonly LeftNews[]
}

/** As many rooms are told at once, rather than one after the other. */
const FEW = 8

/** With these a room is on the screen. */
const SHOWN: ReadonlySet<Membership> = new Set(['join', 'invite', 'knock'])

const NONE_LEFT: readonly LeftNews[] = []
const NONE_APART: ReadonlySet<number> = new Set()

/** The `events` stream of `/sync`: finds the rooms that a response tells of. */
export class RoomsStream {
  readonly #read: RoomReaders
  readonly #sights: Sights
  readonly #sections: RoomSections
  readonly #partial: PartialSpans
  readonly #candidates: RoomCandidates

  constructor(parts: {
    read: RoomReaders
    sync: SyncReader
    sights: Sights
    sections: RoomSections
    partial: PartialSpans
  }) {
    this.#partial = parts.partial
    this.#read = parts.read
    this.#candidates = new RoomCandidates({ ...parts, rooms: parts.read.rooms })
    this.#sights = parts.sights
    this.#sections = parts.sections
  }

  /** The sections of a response: those of a few rooms at once, those of many one after another as they are taken. */
  sections(
    request: SyncRequest,
    now: RoomsNow,
    extras: ExtrasByRoom,
    invitations: InvitationTexts,
  ): Answer<readonly Section[] | AsyncGenerator<Section, void>> {
    const { since } = request
    const isQuiet = !now.hasMoved && now.rooms.size + extras.size === 0 && invitations === NO_INVITATIONS
    if (isQuiet && since !== undefined) return []
    const found =
      since === undefined
        ? this.#initial(request, now.upTo, extras)
        : this.#incremental(request, since, now, extras)
    return andThen<Told, readonly Section[] | AsyncGenerator<Section, void>>(found, told => {
      const isSmall = since !== undefined && told.left.length === 0 && invitations === NO_INVITATIONS
      return isSmall && told.joined.length <= FEW
        ? this.#sections.someJoined(request, told.joined)
        : this.#streamed(request, told, invitations)
    })
  }

  async *#streamed(
    request: SyncRequest,
    { joined, left }: Told,
    invitations: InvitationTexts,
  ): AsyncGenerator<Section, void> {
    yield* this.#sections.allJoined(request, joined)
    for (const part of ['invite', 'knock'] as const) {
      for (const [roomId, text] of invitations[part]) yield { part, roomId, text }
    }
    const leftTexts = inOrder(left, AHEAD, async news => ({
      roomId: news.roomId,
      text: await this.#sections.left(request, news),
    }))
    for await (const { roomId, text } of leftTexts) yield { part: 'leave', roomId, text }
    const told = new Set([...joined, ...left].map(({ roomId }) => roomId))
    for (const [roomId, text] of invitations.leave) {
      if (!told.has(roomId)) yield { part: 'leave', roomId, text }
    }
  }

  async #initial(request: SyncRequest, upTo: number, extras: ExtrasByRoom): Promise<Told> {
    const memberships: Membership[] = request.filter.includeLeave ? ['join', 'leave', 'ban'] : ['join']
    const joined: JoinedNews[] = []
    const left: LeftNews[] = []
    const { userId } = request.requester
    const rows = await this.#read.memberships.ofUser(userId, memberships)
    // Whoever leaves at this moment is still in the room.
    const moving = await this.#read.memberships.changed(userId, upTo, END)
    const known = new Set(rows.map(row => row.roomNid))
    for (const row of [...rows, ...moving.filter(({ roomNid }) => !known.has(roomNid))]) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      const { roomNid, roomId } = row
      const common = { roomNid, roomId, extras: extras.get(roomId) }
      if (this.#isHidden(request, roomNid, upTo)) continue
      const span = { after: undefined, upTo }
      if (row.membership === 'join' && row.position <= upTo) {
        joined.push({ ...common, span, whole: true, place: { joinedAt: row.position } })
        continue
      }
      const sight = await this.#sights.of(roomNid, row.userId)
      if (sight.membershipAt(upTo) === 'join') joined.push({ ...common, span, whole: true, place: { sight } })
      else if (known.has(roomNid) && row.membership !== 'join' && !row.forgotten)
        left.push(...(await this.#left(row, { sight, after: undefined, upTo }, extras)))
    }
    return { joined, left }
  }

  #incremental(request: SyncRequest, after: number, now: RoomsNow, extras: ExtrasByRoom): Answer<Told> {
    return now.hasMoved
      ? this.#withMoves(request, after, now, extras)
      : andThen(this.#stayed(request, after, now, extras), joined => ({ joined, left: NONE_LEFT }))
  }

  async #withMoves(request: SyncRequest, after: number, now: RoomsNow, extras: ExtrasByRoom): Promise<Told> {
    const joined: JoinedNews[] = []
    const left: LeftNews[] = []
    const moved = await this.#moved(request, after)
    const apart = new Set(moved.map(row => row.roomNid))
    for (const row of moved) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      const sight = await this.#sights.of(row.roomNid, row.userId)
      const before = toldAt(row, sight, after)
      // Where members are lacking, a user's own leave may be among them; and state resolution may end a membership by no event.
      const hasGone = row.position <= now.upTo && row.membership !== 'join'
      const then = sight.membershipAt(now.upTo) ?? (hasGone ? row.membership : undefined)
      if (then === 'join') {
        const { roomNid, roomId } = row
        if (this.#isHidden(request, roomNid, now.upTo)) continue
        const hadRoom = before === 'join' && !this.#isHidden(request, roomNid, after)
        const mayNotHave = this.#wantsAll(request) && this.#partial.mayHaveLacked(roomNid, after)
        const whole = request.fullState || !hadRoom || mayNotHave
        const span = { after: hadRoom ? after : undefined, upTo: now.upTo }
        joined.push({ roomNid, roomId, span, whole, place: { sight }, extras: extras.get(roomId) })
      } else if (then === 'leave' || then === 'ban') {
        // Whoever has forgotten the room need not hear of it, unless a client still shows it.
        if (row.forgotten && !(before !== undefined && SHOWN.has(before))) continue
        left.push(...(await this.#left(row, { sight, after, upTo: now.upTo }, extras)))
      }
    }
    return { joined: [...joined, ...(await this.#stayed(request, after, now, extras, apart))], left }
  }

  /** The rooms in which the user was all the time; without those that are told apart. */
  #stayed(
    request: SyncRequest,
    after: number,
    now: RoomsNow,
    extras: ExtrasByRoom,
    apart: ReadonlySet<number> = NONE_APART,
  ): Answer<JoinedNews[]> {
    const { upTo } = now
    return andThen(this.#candidates.of(after, now, extras), all => {
      const candidates = all.filter(
        ({ roomNid, roomId }) => !apart.has(roomNid) && request.filter.matchesRoom(roomId),
      )
      const places = candidates.map(({ roomNid, joinedAt }) =>
        joinedAt <= after ? { joinedAt } : this.#wasInAll(request, roomNid, { after, upTo }),
      )
      return andThen(together(places), known =>
        candidates.flatMap((candidate, index) => {
          const place = known[index]
          if (place === undefined || this.#isHidden(request, candidate.roomNid, upTo)) return []
          return this.#newsOf(request, candidate, place, { after, upTo }, extras.get(candidate.roomId))
        }),
      )
    })
  }

  #newsOf(
    request: SyncRequest,
    { roomNid, roomId }: Candidate,
    place: Place,
    { after, upTo }: { readonly after: number; readonly upTo: number },
    extras: RoomExtras | undefined,
  ): JoinedNews {
    const wasHidden = this.#isHidden(request, roomNid, after)
    const span = { after: wasHidden ? undefined : after, upTo }
    const isNewlyComplete = !wasHidden && this.#partial.isCompletedIn(roomNid, after, upTo)
    return { roomNid, roomId, place, extras, span, whole: wasHidden || request.fullState, isNewlyComplete }
  }

  /** The user's memberships that have changed since; those that change at this moment are among them. */
  #moved({ requester }: SyncRequest, after: number): Promise<MembershipRow[]> {
    return this.#read.memberships.changed(requester.userId, after, END)
  }

  /** Whether the room was not there for the client at a position: it wants all members, and not all were known. */
  #isHidden(request: SyncRequest, roomNid: number, position: number): boolean {
    return this.#wantsAll(request) && this.#partial.isOpenAt(roomNid, position)
  }

  #wantsAll({ filter }: SyncRequest): boolean {
    return !filter.state.lazyLoadMembers
  }

  /** For a membership that changes at this moment: whether the user was in the room at both ends of a span. */
  async #wasInAll(
    { requester }: SyncRequest,
    roomNid: number,
    { after, upTo }: { after: number; upTo: number },
  ): Promise<Place | undefined> {
    const sight = await this.#sights.of(roomNid, requester.userId)
    const isIn = sight.membershipAt(after) === 'join' && sight.membershipAt(upTo) === 'join'
    return isIn ? { sight } : undefined
  }

  /**
   * A room that the user is not in any more, or was invited to: what happened while they were in it, if that is news,
   * and their own last event, unless that is of this moment: what came before it is then told without. Nothing, if
   * there is neither.
   */
  async #left(
    row: MembershipRow,
    { sight, after, upTo }: { sight: Sight; after: number | undefined; upTo: number },
    extras: ExtrasByRoom,
  ): Promise<LeftNews[]> {
    const { roomNid, roomId, eventNid, position, forgotten } = row
    const last = sight.joins.findLast(({ from }) => from <= upTo)
    const isFollowed = position <= upTo
    const [own] = isFollowed ? await this.#read.events.byNids([eventNid]) : []
    const common = { roomNid, roomId, sight, own, extras: extras.get(roomId) }
    const isNews = last?.to !== undefined && last.to > (after ?? 0)
    if (!isNews || (forgotten && isFollowed)) return own === undefined ? [] : [{ ...common, span: undefined }]
    const hadRoom = after !== undefined && toldAt(row, sight, after) === 'join'
    return [{ ...common, span: { after: hadRoom ? after : undefined, upTo: last.to } }]
  }
}
