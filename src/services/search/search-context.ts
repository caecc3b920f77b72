import { eventFilter } from '../../core/filter.ts'
import type { JsonObject } from '../../core/json.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Sight } from '../rooms/room-sight.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import { BEGINNING, Timelines } from '../rooms/timeline.ts'
import { END } from '../rooms/visible-ranges.ts'

/** How much of what surrounds a result is wanted. */
export interface ContextRequest {
  readonly before: number
  readonly after: number
  /** Whether to say what the senders were called then. */
  readonly profiles: boolean
}

/** Reads what surrounds the results of a search. */
export class SearchContexts {
  readonly #read: RoomReaders
  readonly #views: RoomViews
  readonly #timelines: Timelines
  readonly #clientEvents: ClientEvents

  constructor(parts: { read: RoomReaders; views: RoomViews; clientEvents: ClientEvents }) {
    this.#read = parts.read
    this.#views = parts.views
    this.#timelines = new Timelines(parts.views.pages, parts.views.sights)
    this.#clientEvents = parts.clientEvents
  }

  /** The `context` of a result, as JSON text; events in the order of the timeline. */
  async around(
    requester: Requester,
    center: StoredEvent,
    sight: Sight,
    request: ContextRequest,
  ): Promise<string> {
    const { userId } = requester
    const position = center.position ?? 0
    const ignored = await this.#views.ignoredUsers.of(userId)
    const wanted = { userId, sight, ignored, filter: eventFilter(undefined) }
    const [before, after] = await Promise.all([
      this.#timelines.collect(
        center.roomNid,
        { direction: 'b', from: position - 1, to: BEGINNING },
        { ...wanted, limit: request.before },
      ),
      this.#timelines.collect(
        center.roomNid,
        { direction: 'f', from: position, to: END },
        { ...wanted, limit: request.after },
      ),
    ])
    const render = (events: readonly StoredEvent[]) =>
      this.#clientEvents.render(events, { ...requester, sight }, { roomId: true })
    const older = before.events.toReversed()
    const parts = [
      `"start":"${formatStreamToken({ events: before.next })}"`,
      `"end":"${formatStreamToken({ events: after.next })}"`,
      `"events_before":[${(await render(older)).join(',')}]`,
      `"events_after":[${(await render(after.events)).join(',')}]`,
    ]
    if (request.profiles) {
      const profiles = await this.#profiles(center, [...older, center, ...after.events])
      parts.push(`"profile_info":${JSON.stringify(profiles)}`)
    }
    return `{${parts.join(',')}}`
  }

  /** "The historic profile information of the users that sent the events that were returned." */
  async #profiles(center: StoredEvent, events: readonly StoredEvent[]): Promise<JsonObject> {
    const senders = [...new Set(events.map(({ event }) => event.sender))]
    const last = Math.max(...events.map(({ position }) => position ?? 0))
    const entries = await this.#views.state.members(center.roomNid, senders, last)
    const members = await this.#read.events.byNids(entries.map(entry => entry.nid))
    return Object.fromEntries(
      members.flatMap(({ event, redactedBy }) => {
        if (redactedBy !== undefined || event.stateKey === undefined) return []
        const { displayname, avatar_url: avatar } = event.content
        const profile = {
          ...(typeof displayname === 'string' ? { displayname } : {}),
          ...(typeof avatar === 'string' && avatar.startsWith('mxc://') ? { avatar_url: avatar } : {}),
        }
        return [[event.stateKey, profile]]
      }),
    )
  }
}
