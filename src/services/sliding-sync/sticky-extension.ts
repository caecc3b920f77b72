import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { SyncRequest } from '../sync/sync-request.ts'
import type { SyncSource } from '../sync/sync-source.ts'
import type { ExtensionRooms } from './room-extensions.ts'
import type { Look } from './room-writer.ts'

export const STICKY_EVENTS = 'org.matrix.msc4354.sticky_events'

/**
 * The extension that tells of sticky events (MSC4354, which gives its name alone): by room, in the form and by the rules of
 * the section of `/sync`.
 */
export class StickyExtension {
  readonly #source: SyncSource | undefined
  readonly #clientEvents: ClientEvents
  readonly #sights: Sights

  constructor(parts: { sources: readonly SyncSource[]; clientEvents: ClientEvents; sights: Sights }) {
    this.#source = parts.sources.find(({ stream }) => stream === 'sticky')
    this.#clientEvents = parts.clientEvents
    this.#sights = parts.sights
  }

  /**
   * What there is after a position (`undefined`: the extension has not been followed before), as JSON texts by room ID, and
   * how far it goes.
   */
  async of(
    look: Look,
    request: SyncRequest,
    after: number | undefined,
    { fresh, known, isTold }: ExtensionRooms,
  ): Promise<{ rooms: string[]; upTo: number }> {
    const told = new Map<string, readonly StoredEvent[]>()
    // All rooms of a new connection are fresh.
    const span = { after: look.after, upTo: look.upTo }
    const news = look.after === undefined ? {} : await this.#source?.news(request, after, look.upTo, span)
    for (const [roomId, { sticky = [] }] of news?.rooms ?? []) if (known.has(roomId)) told.set(roomId, sticky)
    for (const room of fresh)
      told.set(room.roomId, (await this.#source?.roomSticky?.(request, room, look.upTo)) ?? [])
    const rooms: string[] = []
    for (const [roomId, all] of told) {
      const events = all.filter(({ nid }) => !isTold(roomId, nid))
      const [first] = events
      if (first === undefined) continue
      const viewer = { ...look.requester, sight: await this.#sights.of(first.roomNid, look.requester.userId) }
      const texts = await this.#clientEvents.render(events, viewer, { roomId: false })
      rooms.push(`${JSON.stringify(roomId)}:{"events":[${texts.join(',')}]}`)
    }
    return { rooms, upTo: news?.upTo ?? look.upTo }
  }
}
