import { LRUCache } from 'lru-cache'
import type { RoomVersion } from '../../../core/room-versions.ts'
import { generationAfter } from '../../../core/state-resolution/auth-graph.ts'
import type { AuthNode } from '../../../storage/rooms/auth-graph.ts'
import type { NewEvent } from '../../../storage/rooms/event-writer.ts'
import type { SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import { inOrderOf } from '../../rooms/judge-outliers.ts'
import type { RoomsContext } from '../../rooms/room-writer.ts'
import { type ReadEvent, readSourceEvent } from './source-event.ts'

/** So many are kept at hand; others are looked up. */
const KEPT = 100_000
/** So many are stored in one commit. */
const BATCH = 500

/** The events of a room that others of it refer to: by what they are known here. What is not here yet is stored beside the timeline. */
export class RoomNodes {
  readonly #context: RoomsContext
  readonly #source: SynapseRooms
  readonly #room: { readonly roomId: string; readonly nid: number; readonly version: RoomVersion }
  readonly #known = new LRUCache<string, AuthNode>({ max: KEPT })
  /** Events that the source does not have, or that cannot be read. */
  readonly #lost = new Set<string>()

  constructor(
    context: RoomsContext,
    source: SynapseRooms,
    room: { readonly roomId: string; readonly nid: number; readonly version: RoomVersion },
  ) {
    this.#context = context
    this.#source = source
    this.#room = room
  }

  /** Whether an event is known not to be had. */
  isLost(eventId: string): boolean {
    return this.#lost.has(eventId)
  }

  /** An event has been stored. */
  add(eventId: string, node: AuthNode): void {
    this.#known.set(eventId, node)
  }

  /** Those of some events that are stored. */
  async stored(eventIds: readonly string[]): Promise<Map<string, AuthNode>> {
    const found = new Map<string, AuthNode>()
    const unknown: string[] = []
    for (const eventId of eventIds) {
      const node = this.#known.get(eventId)
      if (node !== undefined) found.set(eventId, node)
      else if (!this.#lost.has(eventId)) unknown.push(eventId)
    }
    if (unknown.length === 0) return found
    for (const [eventId, { nid, generation }] of await this.#context.read.authGraph.nodes(unknown)) {
      found.set(eventId, { nid, generation })
      this.#known.set(eventId, { nid, generation })
    }
    return found
  }

  /**
   * The same of all of them that can be had: others are taken from the source and stored beside the timeline, with all that authorises
   * them.
   */
  async ensure(eventIds: readonly string[]): Promise<Map<string, AuthNode>> {
    const found = await this.stored(eventIds)
    const wanted = eventIds.filter(id => !found.has(id) && !this.#lost.has(id))
    if (wanted.length === 0) return found
    const read = await this.#readWithAuth(wanted)
    await this.#store(
      inOrderOf(
        [...read.values()].map(({ event }) => event),
        event => event.authEvents,
      ),
      read,
    )
    for (const eventId of wanted) {
      const node = this.#known.get(eventId)
      if (node !== undefined) found.set(eventId, node)
    }
    return found
  }

  async #readWithAuth(wanted: readonly string[]): Promise<Map<string, ReadEvent>> {
    const read = new Map<string, ReadEvent>()
    let next = [...new Set(wanted)]
    while (next.length > 0) {
      const rows = await this.#source.events(next)
      for (const row of rows) {
        const event = readSourceEvent(row, this.#room.roomId, this.#room.version)
        if (typeof event !== 'string') read.set(row.eventId, event)
      }
      for (const eventId of next) if (!read.has(eventId)) this.#lost.add(eventId)
      const fresh = next.flatMap(eventId => read.get(eventId)?.event.authEvents ?? [])
      const unread = [...new Set(fresh)].filter(id => !read.has(id) && !this.#lost.has(id))
      const stored = await this.stored(unread)
      next = unread.filter(eventId => !stored.has(eventId))
    }
    return read
  }

  async #store(ordered: readonly ReadEvent['event'][], read: ReadonlyMap<string, ReadEvent>): Promise<void> {
    const { nids, write, db } = this.#context
    for (let at = 0; at < ordered.length; at += BATCH) {
      const some = ordered.slice(at, at + BATCH)
      await nids.ensure(some.length)
      const known = await this.stored(some.flatMap(event => event.authEvents))
      const rows: NewEvent[] = []
      for (const event of some) {
        const of = read.get(event.eventId)
        if (of === undefined) continue
        const auth = event.authEvents.flatMap(eventId => known.get(eventId) ?? [])
        const node = { nid: nids.next(), generation: generationAfter(auth) }
        known.set(event.eventId, node)
        rows.push({
          ...node,
          ...{ roomNid: this.#room.nid, position: null, event, json: of.json, rejected: of.rejected },
          authNids: auth.map(({ nid }) => nid),
        })
      }
      const stored = await db.commit({ statements: write.events.insert(rows) })
      if (!stored.ok) throw new Error(`events were refused: ${stored.guard}`)
      for (const { event, nid, generation } of rows) this.#known.set(event.eventId, { nid, generation })
    }
  }
}
