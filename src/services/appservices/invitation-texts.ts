import { parseJson } from '../../core/canonical-json.ts'
import { clientEvent } from '../../core/event/client-event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { AppServiceAudience } from './audience.ts'

/**
 * Invitations of a service's users as the service is told of them: "this event may also include an `invite_room_state` key inside
 * the event's `unsigned` data" (`m.room.member`), by which it knows the room without asking, as clients do by `/sync`.
 */
export class InvitationTexts {
  readonly #audience: Pick<AppServiceAudience, 'isOwn'>
  readonly #context: RoomsContext
  readonly #touches: StreamTouches

  constructor(audience: Pick<AppServiceAudience, 'isOwn'>, context: RoomsContext) {
    this.#audience = audience
    this.#context = context
    this.#touches = new StreamTouches(context.db)
  }

  /** Those to rooms that this server is not in: no event of theirs is in the stream of events. */
  async fromOutside(after: number, upTo: number): Promise<{ userId: string; text: string }[]> {
    if (after >= upTo) return []
    const { read } = this.#context
    const invitations: { userId: string; text: string }[] = []
    for (const userId of await this.#touches.users('invites', after, upTo)) {
      if (!this.#audience.isOwn(userId)) continue
      for (const row of await read.invitations.changed(userId, after, upTo)) {
        const version = roomVersion(row.roomVersion)
        if (row.status !== 'invited' || row.kind !== 'invite' || version === undefined) continue
        if ((await read.events.byId(row.eventId))?.position !== undefined) continue
        const event = trustedEvent(row.event, row.eventId, version)
        const unsigned = { invite_room_state: [...row.strippedState] }
        const text = JSON.stringify(clientEvent(event, { roomId: true, unsigned }))
        invitations.push({ userId, text })
      }
    }
    return invitations
  }

  /** The texts of events, with what describes the room where they invite one of the service's users. */
  described(events: readonly StoredEvent[], texts: readonly string[]): Promise<string[]> {
    return Promise.all(texts.map((text, index) => this.#described(events[index], text)))
  }

  async #described(stored: StoredEvent | undefined, text: string): Promise<string> {
    const { eventId, roomId, type, stateKey: userId, content } = stored?.event ?? {}
    if (type !== 'm.room.member' || content?.['membership'] !== 'invite') return text
    if (roomId === undefined || userId === undefined || !this.#audience.isOwn(userId)) return text
    const invitation = await this.#context.read.invitations.one(userId, roomId)
    if (invitation === undefined || invitation.eventId !== eventId) return text
    const event = parseJson(text) as JsonObject
    const unsigned = isJsonObject(event['unsigned']) ? event['unsigned'] : {}
    const shown = { ...event, unsigned: { ...unsigned, invite_room_state: [...invitation.strippedState] } }
    return JSON.stringify(shown)
  }
}
