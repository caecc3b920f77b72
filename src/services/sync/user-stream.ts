import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import type { Reader } from '../../storage/database.ts'
import type { StreamTouches, UserStreamName } from '../../storage/stream-touches.ts'
import type { Answer } from '../answer.ts'
import type { Follower } from './notifier.ts'

/** Follows a stream whose rows each belong to one user, and knows for most users that there is nothing new. */
export class UserStream implements Follower {
  readonly stream: UserStreamName
  readonly #touches: StreamTouches
  readonly #newest: LRUCache<string, number>
  /** Of what happened up to here nothing is remembered for those who are not in `#newest`. */
  #floor: number
  #position: number

  constructor(stream: UserStreamName, db: Reader, touches: StreamTouches) {
    this.stream = stream
    this.#touches = touches
    this.#position = db.position(stream)
    this.#floor = this.#position
    this.#newest = boundedCache('newest_of_users', {
      dispose: (position, _, reason) => {
        if (reason === 'evict') this.#floor = Math.max(this.#floor, position)
      },
    })
  }

  /** The position up to which this has followed the stream: what is later is not told yet. */
  get position(): number {
    return this.#position
  }

  follow(upTo: number): Answer<Iterable<string>> {
    return upTo <= this.#position ? [] : this.#goOn(upTo)
  }

  async #goOn(upTo: number): Promise<Iterable<string>> {
    const users = await this.#touches.users(this.stream, this.#position, upTo)
    for (const userId of users) this.#newest.set(userId, upTo)
    this.#position = upTo
    return users
  }

  /** Whether a user may have rows after a position; `false` is certain. */
  mayHaveNews(userId: string, after: number): boolean {
    return after < this.#floor || (this.#newest.get(userId) ?? 0) > after
  }
}
