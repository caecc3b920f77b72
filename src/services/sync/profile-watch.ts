import { ProfileReader } from '../../storage/accounts/profiles.ts'
import type { Reader } from '../../storage/database.ts'
import type { MembershipReader } from '../../storage/rooms/memberships.ts'
import type { Answer } from '../answer.ts'
import type { Follower } from './notifier.ts'
import type { RoomWatch } from './room-watch.ts'

/** Profiles that are looked at together. */
const BATCH = 500

/** Follows the stream of profiles, for those clients alone that ask to be told of it (MSC4262): where none does, nothing is read. */
export class ProfileWatch implements Follower {
  readonly stream = 'profiles'
  readonly #profiles: ProfileReader
  readonly #memberships: Pick<MembershipReader, 'joinedRooms'>
  readonly #watch: Pick<RoomWatch, 'usersIn'>
  /** Requests under way that ask for it, by user. */
  readonly #asking = new Map<string, number>()
  #position: number

  constructor(parts: {
    db: Reader
    memberships: Pick<MembershipReader, 'joinedRooms'>
    watch: Pick<RoomWatch, 'usersIn'>
  }) {
    this.#profiles = new ProfileReader(parts.db)
    this.#memberships = parts.memberships
    this.#watch = parts.watch
    this.#position = parts.db.position('profiles')
  }

  /** The position up to which this has followed the stream: what is later is not told yet. */
  get position(): number {
    return this.#position
  }

  /** Has a user be woken by changes of profiles of those whom they share a room with, until the answer is called. */
  ask(userId: string): () => void {
    this.#asking.set(userId, (this.#asking.get(userId) ?? 0) + 1)
    return () => {
      const others = (this.#asking.get(userId) ?? 1) - 1
      if (others > 0) this.#asking.set(userId, others)
      else this.#asking.delete(userId)
    }
  }

  follow(upTo: number): Answer<Iterable<string>> {
    if (upTo <= this.#position) return []
    if (this.#asking.size > 0) return this.#goOn(upTo)
    this.#position = upTo
    return []
  }

  async #goOn(upTo: number): Promise<Iterable<string>> {
    const concerned = new Set<string>()
    for (let from = this.#position; from < upTo; ) {
      const changed = await this.#profiles.changed(from, upTo, BATCH)
      await this.#addConcerned(
        changed.map(({ userId }) => userId),
        concerned,
      )
      from = changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
    }
    this.#position = upTo
    return concerned
  }

  async #addConcerned(changed: readonly string[], concerned: Set<string>): Promise<void> {
    if (changed.length === 0) return
    for (const userId of changed) if (this.#asking.has(userId)) concerned.add(userId)
    const rooms = await this.#memberships.joinedRooms(changed)
    for (const roomNid of new Set([...rooms.values()].flatMap(nids => [...nids])))
      for (const userId of this.#watch.usersIn(roomNid)) if (this.#asking.has(userId)) concerned.add(userId)
  }
}
