import { DUMMY_TYPE } from '../../core/dummy-type.ts'
import { roughLength } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { IgnoredUsers } from '../rooms/ignored-users.ts'
import { type Sight, sightOf } from '../rooms/room-sight.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** Of one room in one response. */
const MAX_EVENTS = 100
/** Of all rooms; and characters of content, about: a response is put together in memory. */
const MAX_IN_ALL = 500
const MAX_LENGTH = 4 * 1024 * 1024

interface Seen {
  readonly stored: StoredEvent
  readonly sight: Sight
  readonly position: number
  readonly length: number
}

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
   * Those after one position up to another, in order, as JSON texts; and how far they go, which is less where there are
   * more of them than fit into one response.
   */
  async between(
    requester: Requester,
    roomNids: Iterable<number>,
    after: number,
    upTo: number,
  ): Promise<{ texts: string[]; upTo: number }> {
    let events: readonly Seen[] = []
    let end = upTo
    const { users: ignored, missed } = await this.#ignoredUsers.lists(requester.userId)
    const isWanted = ({ event, position = 0 }: StoredEvent): boolean =>
      event.stateKey !== undefined ||
      (event.type !== DUMMY_TYPE && !ignored.has(event.sender) && missed?.(event.sender, position) !== true)
    for (const roomNid of roomNids) {
      const page = await this.#context.read.events.forwards({ roomNid, after, upTo: end, limit: MAX_EVENTS })
      if (page.length === 0) continue
      // What another room has beyond here waits for the next request.
      if (page.length === MAX_EVENTS) end = Math.min(end, page.at(-1)?.position ?? end)
      const sight = await sightOf(this.#context.read, roomNid, requester.userId)
      const seen = page.filter(stored => isWanted(stored) && sight.sees(stored))
      const some = firstOf([...events, ...seen.map(stored => seenEvent(stored, sight))], end)
      events = some.events
      end = some.upTo
    }
    const texts: string[] = []
    for (const { stored, sight } of events)
      texts.push(...(await this.#clientEvents.render([stored], { ...requester, sight }, { roomId: true })))
    return { texts, upTo: end }
  }
}

const seenEvent = (stored: StoredEvent, sight: Sight): Seen => {
  const { event, position = 0 } = stored
  return { stored, sight, position, length: roughLength(event.content) }
}

/** As many of some events as fit into one response, in order, and up to where that is all of them. */
const firstOf = (all: readonly Seen[], upTo: number): { events: readonly Seen[]; upTo: number } => {
  const events = all.filter(({ position }) => position <= upTo).toSorted((a, b) => a.position - b.position)
  let total = 0
  const last = events.find(({ length }, index) => {
    total += length
    return index === MAX_IN_ALL - 1 || total > MAX_LENGTH
  })
  if (last === undefined) return { events, upTo }
  return { events: events.filter(({ position }) => position <= last.position), upTo: last.position }
}
