import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { Answer } from '../answer.ts'
import type { NotificationCounter } from '../push/counter.ts'
import type { RoomIds } from './room-ids.ts'
import type { RoomWatch } from './room-watch.ts'
import type { EventSpan, SyncRequest } from './sync-request.ts'
import { type News, NO_NEWS, type SyncSource } from './sync-source.ts'

/** What counts are told late by. */
interface LateCountsParts {
  readonly counter: Pick<NotificationCounter, 'known'>
  readonly watch: Pick<RoomWatch, 'joinedRooms'>
  readonly reader: Pick<SyncReader, 'withEvents'>
  readonly roomIds: RoomIds
}

/**
 * Tells the counts of what was told before it was counted, as where the process that counts has died, or counting fails. Nothing is
 * stored for that: such a response says in its token up to where its counts were right, and whoever comes with the token is told
 * anew of the rooms in which something has happened since, as soon as it is counted.
 */
export class LateCounts implements SyncSource {
  readonly stream = 'unread'
  readonly #parts: LateCountsParts
  /** Who may wait for counts, with how far they have been told of events. */
  readonly #owed = new Map<string, number>()

  constructor(parts: LateCountsParts) {
    this.#parts = parts
  }

  position(): number {
    return this.#parts.counter.known
  }

  /** Whom of those who were owed counts to wake: all that they have been told is counted now. */
  due(): readonly string[] {
    if (this.#owed.size === 0) return NOBODY
    const { known } = this.#parts.counter
    const due = [...this.#owed].flatMap(([userId, told]) => (told <= known ? userId : []))
    for (const userId of due) this.#owed.delete(userId)
    return due
  }

  /**
   * Takes note of somebody who looks, and has been told of events before. In the same turn in which they learn up to where is
   * counted: the answer.
   */
  look(userId: string, told: number): number {
    const { known } = this.#parts.counter
    if (known < told) this.#owed.set(userId, told)
    return known
  }

  /**
   * They are told once all of them are counted: where that lags behind for long, not one after another.
   * @param after up to where the counts were right that the client was told last; 0: all of them were
   */
  news(
    request: SyncRequest,
    after: number | undefined,
    upTo: number,
    { after: told }: EventSpan,
  ): Answer<News> {
    if (after === undefined || told === undefined) return NO_NEWS
    const known = this.look(request.requester.userId, told)
    const isOwed = after > 0 && after < told
    if (isOwed && known < told) return { upTo: Math.min(after, known) }
    if (isOwed) return this.#rooms(request, after, told).then(rooms => ({ rooms, upTo: known }))
    // Another process may have counted further than is known here.
    return known < upTo ? { upTo: known } : NO_NEWS
  }

  async #rooms({ requester, filter }: SyncRequest, after: number, upTo: number): Promise<News['rooms'] & {}> {
    const { watch, reader, roomIds } = this.#parts
    const joined = await watch.joinedRooms(requester.userId)
    const ids = await roomIds.of(await reader.withEvents([...joined.keys()], after, upTo))
    return new Map([...ids.values()].filter(filter.matchesRoom).map(roomId => [roomId, {}]))
  }
}

const NOBODY: readonly string[] = []
