import type { Answer } from '../answer.ts'
import type { Presence } from '../ephemeral/presence.ts'
import type { PresenceSpan } from '../ephemeral/presence-states.ts'
import type { RoomWatch } from './room-watch.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'

/** The `presence` stream of `/sync`. */
export class PresenceStream implements SyncSource {
  readonly stream = 'presence'
  readonly #presence: Presence
  readonly #watch: Pick<RoomWatch, 'joinedRooms' | 'cameUnseen'>

  constructor(presence: Presence, watch: Pick<RoomWatch, 'joinedRooms' | 'cameUnseen'>) {
    this.#presence = presence
    this.#watch = watch
  }

  position(): number {
    return this.#presence.states.position
  }

  readonly remembered = (told: number): number => (told > this.#presence.states.position ? 0 : told)

  news(request: SyncRequest, after: number | undefined, upTo: number, events: EventSpan): Answer<News> {
    if (!this.#presence.enabled) return NO_NEWS
    if (after === undefined || events.after === undefined) return this.#changed(request, { after, upTo })
    const entered = this.#watch.cameUnseen(request.requester.userId, events.after)
    const isQuiet = after >= upTo && entered.size === 0
    return isQuiet ? NO_NEWS : this.#changed(request, { after, upTo, entered })
  }

  async #changed(request: SyncRequest, span: PresenceSpan): Promise<News> {
    const { userId } = request.requester
    const { states } = this.#presence
    const { presence: filter } = request.filter
    const joined = await this.#watch.joinedRooms(userId)
    const events: string[] = []
    for (const sender of states.news(userId, joined, span)) {
      const state = states.get(sender)
      if (state === undefined || request.ignored.has(sender)) continue
      if (!filter.matches({ type: 'm.presence', sender })) continue
      if (events.length === filter.limit) break
      const content = this.#presence.content(state)
      events.push(JSON.stringify({ type: 'm.presence', sender, content }))
    }
    return { events: new Map([['presence', events]]) }
  }
}
