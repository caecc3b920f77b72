import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { NotificationKind, NotificationRow } from '../../storage/notifications/notifications.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { UnreadCounts } from '../push/unread.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import { contentShown } from '../rooms/room-summary.ts'
import { shownProfile } from '../rooms/shown-profile.ts'

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

/** Writes notifications as clients are shown them, with room and sender as these are called now. */
export class NotificationViews {
  readonly #read: RoomReaders
  readonly #clientEvents: ClientEvents
  readonly #unread: UnreadCounts

  constructor(parts: { read: RoomReaders; clientEvents: ClientEvents; unread: UnreadCounts }) {
    this.#read = parts.read
    this.#clientEvents = parts.clientEvents
    this.#unread = parts.unread
  }

  /** JSON texts, in the order given. */
  async texts(requester: Requester, rows: readonly NotificationRow[]): Promise<string[]> {
    const events = await this.#events(requester, rows)
    const rooms = new Map<string, RoomCard>()
    const texts: string[] = []
    for (const row of rows) {
      const room = rooms.get(row.roomId) ?? (await this.#room(row))
      rooms.set(row.roomId, room)
      const { id, kind, ts, count, details } = row
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
    const stored = [...(await this.#read.events.byIds(ids)).values()]
    const { userId, deviceId } = requester
    const texts = await this.#clientEvents.render(stored, { userId, deviceId }, { roomId: true })
    return new Map(stored.map(({ event }, index) => [event.eventId, texts[index] ?? '{}']))
  }

  async #room({ userId, roomId }: NotificationRow): Promise<RoomCard> {
    const room = await this.#read.rooms.byId(roomId)
    const known = room && (await this.#read.summaries.ofRoom(room.nid))?.summary
    // Of a room that nobody here is in, the invitation tells.
    const invitation = await this.#read.invitations.one(userId, roomId)
    const name = known?.name ?? text(stateOf(invitation, 'm.room.name')?.['name'])
    const avatar = known?.avatar_url ?? text(stateOf(invitation, 'm.room.avatar')?.['url'])
    const shown = {
      room_id: roomId,
      name: name ?? '',
      ...(avatar === undefined ? {} : { avatar_url: avatar }),
    }
    return { nid: room?.nid, shown, invitation }
  }

  /** Of who has declined, the event of the invitation still tells. */
  async #profile(
    { kind, sender, eventId }: NotificationRow,
    { nid, invitation }: RoomCard,
  ): Promise<JsonObject> {
    const memberNid =
      nid === undefined ? undefined : await this.#read.state.point(nid, 'm.room.member', sender)
    const [member]: (StoredEvent | undefined)[] =
      memberNid === undefined ? [] : await this.#read.events.byNids([memberNid])
    const known = [member && contentShown(member), stateOf(invitation, 'm.room.member', sender)]
    if (kind.startsWith('invitation_') && eventId !== undefined) {
      const invitation = (await this.#read.events.byIds([eventId])).get(eventId)
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

interface RoomCard {
  readonly nid: number | undefined
  readonly shown: JsonObject
  readonly invitation: InvitationRow | undefined
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const stateOf = (
  invitation: InvitationRow | undefined,
  type: string,
  stateKey = '',
): JsonObject | undefined => {
  const found = invitation?.strippedState.find(
    event => event['type'] === type && event['state_key'] === stateKey,
  )
  return isJsonObject(found?.['content']) ? found['content'] : undefined
}
