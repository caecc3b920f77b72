import type { RoomEventFilter } from '../../core/filter.ts'
import type { InvitePolicy } from '../../core/invite-policy.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { NO_EVENT } from '../../storage/rooms/membership-writer.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import type { InvitePolicies } from '../rooms/invite-policies.ts'
import { removedRooms } from './removed-rooms.ts'
import { statePart } from './section-parts.ts'
import type { SyncRequest } from './sync-request.ts'

/** Pending invitations in one initial response; more are listed by `…/invitations`. */
const MAX_INVITATIONS = 500
/** What has changed about invitations in one response; more comes with the next. */
const MAX_CHANGES = 200
/** Invitations from elsewhere bring along what their rooms are said to be: so many characters of that in one response. */
const MAX_LENGTH = 8_388_608

/** What a response tells of invitations and knocks: JSON texts by room ID. */
export interface InvitationTexts {
  readonly invite: ReadonlyMap<string, string>
  readonly knock: ReadonlyMap<string, string>
  /** Of rooms that this server is not in (any more), so that no event tells how it ended. */
  readonly leave: ReadonlyMap<string, string>
  /** How far in the stream that goes, where not everything fits. */
  readonly upTo?: number
}

export const NO_INVITATIONS: InvitationTexts = { invite: new Map(), knock: new Map(), leave: new Map() }

/** The `invites` stream of `/sync`. */
export class Invitations {
  readonly #read: RoomReaders
  readonly #policies: InvitePolicies

  constructor(read: RoomReaders, policies: InvitePolicies) {
    this.#read = read
    this.#policies = policies
  }

  /** What has changed in a span of the stream; initially, what is pending. */
  async texts(request: SyncRequest, after: number | undefined, upTo: number): Promise<InvitationTexts> {
    const { userId } = request.requester
    const { invitations } = this.#read
    if (after === undefined) {
      const pending = await invitations.pending(userId, upTo, MAX_INVITATIONS)
      return (await this.#page(request, pending)).texts
    }
    for (let from = after; ; ) {
      const some = await invitations.someChanged(userId, from, upTo, MAX_CHANGES)
      const { texts: changed, end = some.upTo } = await this.#page(request, some.rows)
      const texts = await this.#withRemoved(request, changed, { after: from, upTo: end })
      if (end >= upTo) return texts
      // What somebody tells who is ignored must not be waited for.
      if (texts !== NO_INVITATIONS) return { ...texts, upTo: end }
      from = end
    }
  }

  /**
   * The same with the invitations that were pending at a position before. Whoever ignores somebody no longer has their invitations shown, which
   * were not told when they came; that a client is told again of others changes nothing.
   */
  async withPending(request: SyncRequest, texts: InvitationTexts, upTo: number): Promise<InvitationTexts> {
    const rows = await this.#read.invitations.pending(request.requester.userId, upTo, MAX_INVITATIONS)
    const pending = (await this.#page(request, rows)).texts.invite
    if (pending.size === 0) return texts
    return { ...texts, invite: new Map([...pending, ...texts.invite]) }
  }

  /** The same with the rooms that were removed in a span, which are as much as left. */
  async #withRemoved(
    request: SyncRequest,
    texts: InvitationTexts,
    span: { readonly after: number; readonly upTo: number },
  ): Promise<InvitationTexts> {
    const { requester, since = 0 } = request
    const removed = (await removedRooms(this.#read, requester.userId, { ...span, since })).filter(
      ({ roomId }) => request.filter.matchesRoom(roomId) && !texts.leave.has(roomId),
    )
    if (removed.length === 0) return texts
    const told = removed.map(({ roomId, event }) => {
      const { timeline, state } = request.filter
      const shown = (filter: RoomEventFilter): string[] =>
        filter.matchesRoom(roomId) && filter.matches(event) ? [JSON.stringify(event)] : []
      return [roomId, leftSection(request, shown(timeline), shown(state))] as const
    })
    return { ...texts, leave: new Map([...texts.leave, ...told]) }
  }

  /** What invitations tell, and where in the stream that ends if it is too long. */
  async #page(
    request: SyncRequest,
    rows: readonly InvitationRow[],
  ): Promise<{ readonly texts: InvitationTexts; readonly end?: number }> {
    if (rows.length === 0) return { texts: NO_INVITATIONS }
    const policy = await this.#policies.of(request.requester.userId)
    const texts = { invite: new Map(), knock: new Map(), leave: new Map() }
    let length = 0
    for (const [index, row] of rows.entries()) {
      const before = rows[index - 1]?.position
      if (length > MAX_LENGTH && before !== undefined && before !== row.position)
        return { texts, end: before }
      const told = await this.#told(request, policy, row)
      if (told === undefined) continue
      texts[told.as].set(row.roomId, told.text)
      length += told.text.length
    }
    return { texts: length === 0 ? NO_INVITATIONS : texts }
  }

  /** What one tells, and in which section; `undefined` where it tells nothing. */
  async #told(
    request: SyncRequest,
    policy: InvitePolicy,
    row: InvitationRow,
  ): Promise<{ readonly as: 'invite' | 'knock' | 'leave'; readonly text: string } | undefined> {
    if (!request.filter.matchesRoom(row.roomId)) return undefined
    if (row.status === 'invited') {
      // "Servers must not send room invites from ignored users to clients", nor those that the user wants blocked.
      const isHidden = row.kind === 'invite' && policy(row.sender) !== 'allow'
      if (isHidden || request.ignored.has(row.sender)) return undefined
      return { as: row.kind, text: invitation(row) }
    }
    if (row.status === 'accepted' || row.status === 'scheduled' || !(await this.#isElsewhere(row)))
      return undefined
    return { as: 'leave', text: endedInvitation(request, row) }
  }

  /** Whether this server has no events of the room that would tell the user. */
  async #isElsewhere({ userId, roomId, eventId }: InvitationRow): Promise<boolean> {
    const room = await this.#read.rooms.byId(roomId)
    if (room === undefined) return true
    const membership = await this.#read.memberships.one(userId, room.nid)
    // Where it still invites them, or has them knock, it has ended by this server's own word: expired, or withdrawn.
    if (membership === undefined || isPending(membership)) return true
    if (membership.eventNid === NO_EVENT) return true
    // The room's own record is older than the invitation, which therefore came from outside.
    const stored = await this.#read.events.byId(eventId)
    return stored?.position === undefined
  }
}

const isPending = ({ membership }: Pick<MembershipRow, 'membership'>): boolean =>
  membership === 'invite' || membership === 'knock'

const invitation = (row: InvitationRow): string =>
  `{"${row.kind}_state":{"events":${JSON.stringify(strippedEvents(row))}}}`

/** The stripped state with the member event that invites (or knocks), which carries the comment. */
export const strippedEvents = (row: InvitationRow): object[] => [
  ...row.strippedState
    .filter(event => !(event['type'] === 'm.room.member' && event['state_key'] === row.userId))
    .map(stripped),
  stripped(row.event),
]

/** "Can only have the `sender`, `type`, `state_key` and `content` properties", whatever came over federation. */
const stripped = ({ content, sender, state_key, type }: JsonObject): object => ({
  content,
  sender,
  state_key,
  type,
})

/** Nothing of the room is told but how it ended: in the timeline, and as state where that is not taken from timelines. */
const endedInvitation = (request: SyncRequest, row: InvitationRow): string =>
  leftSection(request, endingIn(request.filter.timeline, row), endingIn(request.filter.state, row))

/** @param timeline the last event, as far as the filter of timelines lets it through; `state`: that of states */
const leftSection = (request: SyncRequest, timeline: readonly string[], state: readonly string[]): string => {
  const isState = request.stateAfter !== false || timeline.length === 0
  return `{"timeline":{"events":[${timeline.join(',')}],"limited":false},${statePart(request, isState ? state : [])}}`
}

/** The event that ended it, as far as a filter lets it through. */
const endingIn = (filter: RoomEventFilter, row: InvitationRow): string[] => {
  const { roomId, ending } = row
  if (ending === undefined || !filter.matchesRoom(roomId)) return []
  const { type, sender, content } = ending
  const head = { type: String(type), sender: String(sender) }
  if (!filter.matches(isJsonObject(content) ? { ...head, content } : head)) return []
  return [endingText(ending, row)]
}

/** The member event by which an invitation has ended, in the place of the one that had begun it, as JSON text. */
export const endingText = (ending: JsonObject, { eventId, event }: InvitationRow): string => {
  const before = { replaces_state: eventId, prev_content: event['content'], prev_sender: event['sender'] }
  return JSON.stringify({ ...ending, unsigned: { ...before, membership: endedAs(ending) } })
}

/** What the user is in the room then: has left, or is banned. */
export const endedAs = ({ content }: JsonObject): 'leave' | 'ban' =>
  isJsonObject(content) && content['membership'] === 'ban' ? 'ban' : 'leave'
