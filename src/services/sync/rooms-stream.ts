import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomSections } from './room-section.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import type { RoomExtras } from './sync-source.ts'

/** Pending invitations in one response; more are listed by `…/invitations`. */
const MAX_INVITATIONS = 500

/** The `rooms` part of a response: JSON texts by room ID. */
export interface RoomTexts {
  readonly join: Map<string, string>
  readonly invite: Map<string, string>
  readonly knock: Map<string, string>
  readonly leave: Map<string, string>
}

/** Positions that a response starts from and ends at; nothing to start from is an initial sync. */
export interface RoomSpan {
  readonly events: { readonly after: number | undefined; readonly upTo: number }
  readonly invites: { readonly after: number | undefined; readonly upTo: number }
}

/** What other streams have to say about rooms that the user is in, by room ID. */
export type ExtrasByRoom = ReadonlyMap<string, RoomExtras>

/** The `events` and `invites` streams of `/sync`. */
export class RoomsStream {
  readonly #read: RoomReaders
  readonly #watch: RoomWatch
  readonly #sections: RoomSections

  constructor(parts: { read: RoomReaders; watch: RoomWatch; sections: RoomSections }) {
    this.#read = parts.read
    this.#watch = parts.watch
    this.#sections = parts.sections
  }

  async texts(request: SyncRequest, span: RoomSpan, extras: ExtrasByRoom): Promise<RoomTexts> {
    const texts: RoomTexts = { join: new Map(), invite: new Map(), knock: new Map(), leave: new Map() }
    const { after } = span.events
    if (after === undefined) await this.#initial(request, span, extras, texts)
    else await this.#incremental(request, { ...span, after }, extras, texts)
    await this.#invitations(request, span, texts)
    return texts
  }

  async #initial(
    request: SyncRequest,
    span: RoomSpan,
    extras: ExtrasByRoom,
    texts: RoomTexts,
  ): Promise<void> {
    const { userId } = request.requester
    const memberships = request.filter.includeLeave
      ? (['join', 'leave', 'ban'] as const)
      : (['join'] as const)
    for (const row of await this.#read.memberships.ofUser(userId, memberships)) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      if (row.membership === 'join')
        await this.#joined(request, row, { after: undefined, upTo: span.events.upTo }, true, extras, texts)
      else await this.#left(request, row, undefined, extras, texts)
    }
  }

  async #incremental(
    request: SyncRequest,
    span: RoomSpan & { readonly after: number },
    extras: ExtrasByRoom,
    texts: RoomTexts,
  ): Promise<void> {
    const { after } = span
    const { upTo } = span.events
    const { userId } = request.requester
    const changed = new Map(
      (await this.#read.memberships.changed(userId, after, upTo)).map(row => [row.roomNid, row]),
    )
    const joinedRooms = await this.#watch.joinedRooms(userId)
    const nids = new Set(request.fullState ? joinedRooms : await this.#watch.changedSince(joinedRooms, after))
    for (const row of await this.#joinedAmong(userId, [...extras.keys()])) nids.add(row.roomNid)
    for (const row of changed.values()) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      nids.delete(row.roomNid)
      if (row.membership === 'join') {
        const whole = request.fullState || (await this.#membershipAt(row, after)) !== 'join'
        await this.#joined(request, row, { after: whole ? undefined : after, upTo }, whole, extras, texts)
      } else if ((row.membership === 'leave' || row.membership === 'ban') && !row.forgotten) {
        await this.#left(request, row, after, extras, texts)
      }
    }
    for (const row of await this.#read.rooms.byNids([...nids])) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      const room = { roomNid: row.nid, roomId: row.roomId }
      await this.#joined(request, room, { after, upTo }, request.fullState, extras, texts)
    }
  }

  async #joined(
    request: SyncRequest,
    { roomNid, roomId }: { roomNid: number; roomId: string },
    span: { after: number | undefined; upTo: number },
    whole: boolean,
    extras: ExtrasByRoom,
    texts: RoomTexts,
  ): Promise<void> {
    const { accountData = [], ephemeral = [] } = extras.get(roomId) ?? {}
    const isTold = extras.has(roomId)
    const text = await this.#sections.joined(request, {
      roomNid,
      roomId,
      span,
      whole,
      isTold,
      accountData,
      ephemeral,
    })
    if (text !== undefined) texts.join.set(roomId, text)
  }

  /** A room that was left is told up to the leaving, whatever happened since. */
  async #left(
    request: SyncRequest,
    row: MembershipRow,
    after: number | undefined,
    extras: ExtrasByRoom,
    texts: RoomTexts,
  ): Promise<void> {
    const wasIn = after !== undefined && (await this.#membershipAt(row, after)) === 'join'
    // Who was never in the room is told of nothing but the end of their invitation.
    const ownOnly = !wasIn && !(await this.#wasJoined(row))
    const span = { after: wasIn ? after : ownOnly ? row.position - 1 : undefined, upTo: row.position }
    const text = await this.#sections.left(request, {
      roomNid: row.roomNid,
      roomId: row.roomId,
      span,
      whole: !wasIn && !ownOnly,
      isTold: true,
      accountData: extras.get(row.roomId)?.accountData ?? [],
      ephemeral: [],
    })
    texts.leave.set(row.roomId, text)
  }

  async #invitations(request: SyncRequest, { invites }: RoomSpan, texts: RoomTexts): Promise<void> {
    const { userId } = request.requester
    const { invitations } = this.#read
    const rows =
      invites.after === undefined
        ? await invitations.pending(userId, invites.upTo, MAX_INVITATIONS)
        : await invitations.changed(userId, invites.after, invites.upTo)
    for (const row of rows) {
      if (!request.filter.matchesRoom(row.roomId)) continue
      if (row.status === 'invited') {
        const part = row.kind === 'invite' ? 'invite' : 'knock'
        texts[part].set(row.roomId, `{"${part}_state":{"events":${JSON.stringify(strippedEvents(row))}}}`)
      } else if (row.status !== 'accepted' && !texts.leave.has(row.roomId) && !texts.join.has(row.roomId)) {
        texts.leave.set(row.roomId, ENDED_INVITATION)
      }
    }
  }

  async #joinedAmong(userId: string, roomIds: readonly string[]): Promise<MembershipRow[]> {
    const rows: MembershipRow[] = []
    for (const roomId of new Set(roomIds)) {
      const room = await this.#read.rooms.byId(roomId)
      const row = room && (await this.#read.memberships.one(userId, room.nid))
      if (row?.membership === 'join') rows.push(row)
    }
    return rows
  }

  async #membershipAt({ roomNid, userId }: MembershipRow, position: number): Promise<string | undefined> {
    const nid = await this.#read.state.point(roomNid, 'm.room.member', userId, position)
    const [stored] = nid === undefined ? [] : await this.#read.events.byNids([nid])
    return stored && membershipOf(stored.event)
  }

  async #wasJoined({ roomNid, userId }: MembershipRow): Promise<boolean> {
    const history = await this.#read.state.history(roomNid, 'm.room.member', userId)
    const events = await this.#read.events.byNids(history.map(span => span.nid))
    return events.some(({ event }) => membershipOf(event) === 'join')
  }
}

/** An invitation to a room that this server is not in has ended: there is no event to show. */
const ENDED_INVITATION = '{"timeline":{"events":[],"limited":false},"state":{"events":[]}}'

/** The stripped state with the member event that invites (or knocks), which carries the comment. */
const strippedEvents = (row: InvitationRow): object[] => {
  const { type, sender, state_key, content, origin_server_ts } = row.event
  const own = { type, sender, state_key, content, origin_server_ts, event_id: row.eventId }
  const others = row.strippedState.filter(
    event => !(event['type'] === 'm.room.member' && event['state_key'] === row.userId),
  )
  return [...others, own]
}
