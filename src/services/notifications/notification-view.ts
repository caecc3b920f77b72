import type { JsonObject } from '../../core/json.ts'
import type { NotificationKind, NotificationRow } from '../../storage/notifications/notifications.ts'
import type { UnreadCounts } from '../push/unread.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { shownProfile } from '../rooms/shown-profile.ts'
import { ASKED_AT } from './read-by.ts'
import { type RoomCard, roomCard } from './room-card.ts'

/** What a client may offer to do about a notification. */
const ACTIONS: Readonly<Record<NotificationKind, readonly string[]>> = {
  invitation: ['accept', 'decline', 'dismiss'],
  invitation_declined: ['dismiss'],
  invitation_accepted: ['open', 'dismiss'],
  invitation_expired: ['dismiss'],
  knock: ['accept', 'decline', 'dismiss'],
  message: ['open', 'dismiss'],
  mention: ['open', 'dismiss'],
  conversation_requested: ['open', 'dismiss'],
  call: ['answer', 'dismiss'],
}

/** Kinds whose event clients are shown. */
const SHOWS_EVENT: ReadonlySet<NotificationKind> = new Set(['message', 'mention', 'call', 'knock'])

/** Writes notifications as clients are shown them, with room and sender as these are called now, or when the user last knew. */
export class NotificationViews {
  readonly #context: RoomsContext
  readonly #clientEvents: ClientEvents
  readonly #unread: UnreadCounts

  constructor(parts: { context: RoomsContext; clientEvents: ClientEvents; unread: UnreadCounts }) {
    this.#context = parts.context
    this.#clientEvents = parts.clientEvents
    this.#unread = parts.unread
  }

  /** JSON texts, in the order given. */
  async texts(requester: Requester, rows: readonly NotificationRow[]): Promise<string[]> {
    const events = await this.#events(requester, rows)
    const rooms = new Map<string, RoomCard>()
    const texts: string[] = []
    for (const row of rows) {
      const room = rooms.get(row.roomId) ?? (await roomCard(this.#context, row.userId, row.roomId))
      rooms.set(row.roomId, room)
      const { id, kind, ts, count } = row
      const { [ASKED_AT]: _, ...details } = row.details
      const facts = {
        ...{ id, kind, created_ts: ts },
        room: room.shown,
        sender: { user_id: row.sender, ...(await this.#profile(row, room)) },
        ...(kind === 'message' ? { count } : {}),
        ...details,
        ...(kind === 'conversation_requested' ? await this.#waiting(requester.userId, room) : {}),
        actions: ACTIONS[kind],
      }
      const event = row.eventId === undefined ? undefined : events.get(row.eventId)
      texts.push(
        event === undefined || !SHOWS_EVENT.has(kind)
          ? JSON.stringify(facts)
          : `${JSON.stringify(facts).slice(0, -1)},"event":${event}}`,
      )
    }
    return texts
  }

  async #events(requester: Requester, rows: readonly NotificationRow[]): Promise<Map<string, string>> {
    const ids = rows.filter(({ kind }) => SHOWS_EVENT.has(kind)).flatMap(({ eventId }) => eventId ?? [])
    const stored = [...(await this.#context.read.events.byIds(ids)).values()]
    const { userId, deviceId } = requester
    const texts = await this.#clientEvents.render(stored, { userId, deviceId }, { roomId: true })
    return new Map(stored.map(({ event }, index) => [event.eventId, texts[index] ?? '{}']))
  }

  /** Of who has declined, the event of the invitation still tells. */
  async #profile({ kind, sender, eventId }: NotificationRow, room: RoomCard): Promise<JsonObject> {
    const known = await room.memberContents(sender)
    if (kind.startsWith('invitation_') && eventId !== undefined) {
      const invitation = (await this.#context.read.events.byIds([eventId])).get(eventId)
      known.push(invitation && contentShown(invitation))
    }
    const { displayname, avatar_url: avatar } = shownProfile(known)
    return {
      ...(displayname === undefined ? {} : { display_name: displayname }),
      ...(avatar === undefined ? {} : { avatar_url: avatar }),
    }
  }

  /** Whether there is something to read where one is asked for. */
  async #waiting(userId: string, { nid }: RoomCard): Promise<JsonObject> {
    if (nid === undefined) return {}
    const { total } = await this.#unread.ofRoom(userId, nid)
    return { messages_waiting: total.notification_count }
  }
}
