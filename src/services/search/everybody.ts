import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { ProfileReader } from '../../storage/accounts/profiles.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { userSearchText } from '../rooms/user-names.ts'
import { type FollowedStep, StreamFollower } from '../stream-follower.ts'

/** The name under which the position is stored. */
const FOLLOWER = 'user directory of everybody'
/** Profiles that are looked at before the position is stored again. */
const BATCH = 100

/**
 * Lets all users of this server be found, whether they are in a room or not, where the operator wants it. Follows the stream of
 * profiles, in which every account begins, from a stored position. Users of application services are not entered: bridges have many.
 */
export class EverybodyInDirectory {
  readonly #context: RoomsContext
  readonly #isOfService: (userId: string) => boolean
  readonly #profiles: ProfileReader
  readonly #users: UserReader
  readonly #follower: StreamFollower

  constructor(parts: {
    context: RoomsContext
    isOfService(userId: string): boolean
    clock: Clock
    log: Log
  }) {
    const { db: database, processes } = parts.context
    this.#context = parts.context
    this.#isOfService = parts.isOfService
    this.#profiles = new ProfileReader(database)
    this.#users = new UserReader(database)
    this.#follower = new StreamFollower({
      ...{ name: FOLLOWER, stream: 'profiles', database, sole: processes.soleWork(FOLLOWER) },
      ...{ clock: parts.clock, log: parts.log },
      work: (after, upTo) => this.#follow(after, upTo),
    })
  }

  start(): void {
    this.#follower.start()
  }

  close(): Promise<void> {
    return this.#follower.close()
  }

  /** Resolves once everybody can be found who has an account now. */
  caughtUp(): Promise<void> {
    return this.#follower.caughtUp()
  }

  async #follow(after: number, upTo: number): Promise<FollowedStep> {
    const { read, write } = this.#context
    const changed = await this.#profiles.changed(after, upTo, BATCH)
    const entries: { userId: string; searchText: string }[] = []
    for (const { userId } of changed) {
      const user = this.#isOfService(userId) ? undefined : await this.#users.byId(userId)
      if (user?.kind !== 'user' || user.deactivatedTs !== undefined) continue
      const profile = await read.userDirectory.profile(userId)
      entries.push({ userId, searchText: userSearchText(userId, profile?.displayname) })
    }
    const reached = changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
    return { reached, statements: write.userDirectory.put(entries) }
  }
}
