import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { IgnoredUsers } from '../rooms/ignored-users.ts'
import { type Sight, sightOf } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** Of one room in one response. */
const MAX_EVENTS = 100

/** The events of some rooms, as a user may see them. */
export class RoomNews {
  readonly #context: RoomsContext
  readonly #clientEvents: ClientEvents
  readonly #ignoredUsers: IgnoredUsers

  constructor(parts: { context: RoomsContext; clientEvents: ClientEvents; ignoredUsers: IgnoredUsers }) {
    this.#context = parts.context
    this.#clientEvents = parts.clientEvents
    this.#ignoredUsers = parts.ignoredUsers
  }

  /**
   * Those after one position up to another, in order, as JSON texts; and how far they go, which is less where a room has
   * more of them than fit into one response.
   */
  async between(
    requester: Requester,
    roomNids: Iterable<number>,
    after: number,
    upTo: number,
  ): Promise<{ texts: string[]; upTo: number }> {
    const events: { stored: StoredEvent; sight: Sight }[] = []
    let end = upTo
    const { users: ignored, missed } = await this.#ignoredUsers.lists(requester.userId)
    const isWanted = ({ event, position = 0 }: StoredEvent): boolean =>
      event.stateKey !== undefined ||
      (event.type !== DUMMY_TYPE && !ignored.has(event.sender) && missed?.(event.sender, position) !== true)
    for (const roomNid of roomNids) {
      const page = await this.#context.read.events.forwards({ roomNid, after, upTo, limit: MAX_EVENTS })
      if (page.length === 0) continue
      // What another room has beyond here waits for the next request.
      if (page.length === MAX_EVENTS) end = Math.min(end, page.at(-1)?.position ?? end)
      const sight = await sightOf(this.#context.read, roomNid, requester.userId)
      for (const stored of page) if (isWanted(stored) && sight.sees(stored)) events.push({ stored, sight })
    }
    const shown = events
      .filter(({ stored }) => (stored.position ?? 0) <= end)
      .toSorted((a, b) => (a.stored.position ?? 0) - (b.stored.position ?? 0))
    const texts: string[] = []
    for (const { stored, sight } of shown)
      texts.push(...(await this.#clientEvents.render([stored], { ...requester, sight }, { roomId: true })))
    return { texts, upTo: end }
  }
}
