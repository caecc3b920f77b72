import type { Presence } from '../ephemeral/presence.ts'
import type { RoomWatch } from './room-watch.ts'
import type { SyncRequest } from './sync-request.ts'
import { type Answer, type News, NO_NEWS, type SyncSource } from './sync-source.ts'

/** The `presence` stream of `/sync`. */
export class PresenceStream implements SyncSource {
  readonly stream = 'presence'
  readonly #presence: Presence
  readonly #watch: RoomWatch

  constructor(presence: Presence, watch: RoomWatch) {
    this.#presence = presence
    this.#watch = watch
  }

  position(): number {
    return this.#presence.states.position
  }

  news(request: SyncRequest, after: number | undefined, upTo: number): Answer<News> {
    const isQuiet = !this.#presence.enabled || (after !== undefined && after >= upTo)
    return isQuiet ? NO_NEWS : this.#changed(request, after, upTo)
  }

  async #changed(request: SyncRequest, after: number | undefined, upTo: number): Promise<News> {
    const { userId } = request.requester
    const { states } = this.#presence
    const { presence: filter } = request.filter
    const joined = await this.#watch.joinedRooms(userId)
    const events: string[] = []
    for (const sender of states.news(userId, joined, after, upTo)) {
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
