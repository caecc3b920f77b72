import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { parseActions } from '../../core/push-rules/actions.ts'
import type { Reader } from '../../storage/database.ts'
import { type NotificationRow, PushActionReader } from '../../storage/push/push-actions.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Announcements } from './announcements.ts'
import type { Announced } from './push-message.ts'

/** `GET /notifications` as it was asked. */
export interface NotificationQuery {
  readonly from?: string | undefined
  readonly limit?: number | undefined
  readonly only?: string | undefined
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
/** Of the invitations that are pending. */
const MAX_INVITATIONS = 500

/** Above every position, and short enough for a token. */
const NEWEST = 999_999_999_999_999

/** Where a page ends: positions of what it showed last of events (stream `events`) and of invitations (`invites`). */
interface Cursor {
  readonly events: number
  readonly invites: number
}

/** A pending invitation that notifies. */
interface Invited {
  readonly row: InvitationRow
  readonly announced: Announced
  readonly ts: number
}

/** The list of what users were notified of (module "Push Notifications", "Listing Notifications"). */
export class NotificationList {
  readonly #actions: PushActionReader
  readonly #read: RoomReaders
  readonly #clientEvents: ClientEvents
  readonly #announcements: Announcements
  readonly #clock: Clock
  readonly #counted: () => Promise<void>

  /** @param parts.counted resolves once all events that are stored by now have been judged */
  constructor(parts: {
    db: Reader
    read: RoomReaders
    clientEvents: ClientEvents
    announcements: Announcements
    clock: Clock
    counted: () => Promise<void>
  }) {
    this.#actions = new PushActionReader(parts.db)
    this.#read = parts.read
    this.#clientEvents = parts.clientEvents
    this.#announcements = parts.announcements
    this.#clock = parts.clock
    this.#counted = parts.counted
  }

  /**
   * A page, newest first, as JSON text; with a limit of 0 only whether there are any more. The first one has whatever
   * was sent before it was asked for. Throws `M_INVALID_PARAM` for a token that is not this server's.
   */
  async page(requester: Requester, query: NotificationQuery): Promise<string> {
    const limit = Math.min(Math.max(query.limit ?? DEFAULT_LIMIT, 0), MAX_LIMIT)
    const cursor = query.from === undefined ? { events: NEWEST, invites: NEWEST } : cursorOf(query.from)
    if (query.from === undefined) await this.#counted()
    const wanted = { onlyHighlights: query.only === 'highlight', limit: limit + 1 }
    const rows = await this.#actions.page(requester.userId, { ...wanted, before: cursor.events })
    const invited = await this.#invited(requester.userId, { ...wanted, before: cursor.invites })
    const all = newestFirst(rows, invited)
    const shown = all.slice(0, limit)
    const texts = await this.#texts(requester, shown)
    const end: Cursor = {
      events: shown.findLast(isEvent)?.position ?? cursor.events,
      invites: shown.findLast(isInvited)?.row.position ?? cursor.invites,
    }
    const next = all.length > limit ? `"next_token":"n${end.events}.${end.invites}",` : ''
    return `{${next}"notifications":[${texts.join(',')}]}`
  }

  async #texts(
    { userId, deviceId }: Requester,
    shown: readonly (NotificationRow | Invited)[],
  ): Promise<string[]> {
    const stored = await this.#read.events.byNids(shown.filter(isEvent).map(({ eventNid }) => eventNid))
    const texts = await this.#clientEvents.render(stored, { userId, deviceId }, { roomId: false })
    const byNid = new Map(stored.map(({ nid, event }, index) => [nid, { event, text: texts[index] }]))
    return shown.flatMap(one => {
      if (isInvited(one)) return this.#invitationText(one)
      const { eventNid, actions, read, ts } = one
      const found = byNid.get(eventNid)
      if (found?.text === undefined) return []
      const room = JSON.stringify(found.event.roomId)
      return `{"actions":${actions},"event":${found.text},"read":${read},"room_id":${room},"ts":${ts}}`
    })
  }

  /** Invitations notify (`.m.rule.invite_for_me`), also to rooms of which this server has no event. */
  async #invited(
    userId: string,
    { before, limit, onlyHighlights }: { before: number; limit: number; onlyHighlights: boolean },
  ): Promise<Invited[]> {
    const found: Invited[] = []
    for (const row of await this.#read.invitations.pending(userId, before - 1, MAX_INVITATIONS)) {
      const announced = await this.#announcements.ofInvitation(row)
      if (announced === undefined) continue
      if (onlyHighlights && !parseActions(announced.actions).highlight) continue
      found.push({ row, announced, ts: row.updatedTs })
      if (found.length === limit) break
    }
    return found
  }

  #invitationText({ row, announced, ts }: Invited): string {
    const sentTs = row.event['origin_server_ts']
    const event = {
      ...{ type: announced.type, sender: announced.sender, state_key: announced.stateKey },
      ...{ content: announced.content, event_id: announced.eventId, origin_server_ts: sentTs },
      ...(typeof sentTs === 'number' ? { unsigned: { age: this.#clock.now() - sentTs } } : {}),
    }
    return JSON.stringify({ actions: announced.actions, event, read: false, room_id: row.roomId, ts })
  }
}

const isInvited = (one: NotificationRow | Invited): one is Invited => 'announced' in one
const isEvent = (one: NotificationRow | Invited): one is NotificationRow => !isInvited(one)

/** Of two lists, each in its own order, one by the times. */
const newestFirst = (
  events: readonly NotificationRow[],
  invited: readonly Invited[],
): (NotificationRow | Invited)[] => {
  const merged: (NotificationRow | Invited)[] = []
  const left = [...events]
  for (const invitation of invited) {
    while (left[0] !== undefined && left[0].ts >= invitation.ts) merged.push(...left.splice(0, 1))
    merged.push(invitation)
  }
  return [...merged, ...left]
}

const cursorOf = (token: string): Cursor => {
  const [, events, invites] = /^n(\d{1,15})\.(\d{1,15})$/.exec(token) ?? []
  if (events === undefined || invites === undefined)
    throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this server')
  return { events: Number(events), invites: Number(invites) }
}
