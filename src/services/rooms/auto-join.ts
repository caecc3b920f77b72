import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { ProfileReader } from '../../storage/accounts/profiles.ts'
import { ProviderAccountReader } from '../../storage/accounts/provider-accounts.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import { forEachBounded } from '../bounded.ts'
import { StreamFollower } from '../stream-follower.ts'
import type { Directory } from './directory.ts'
import { inTime } from './in-time.ts'
import type { Memberships } from './memberships.ts'
import type { RoomsContext } from './room-writer.ts'

/** The name under which the position is stored. */
const FOLLOWER = 'joins of new users'
/** Profiles that are looked at before the position is stored again. */
const BATCH = 100
const USERS_AT_ONCE = 4
const ROOMS_AT_ONCE = 4
/** So long (milliseconds) those who register later wait for a room of another server, which may be gone; the join goes on. */
const PATIENCE_MS = 8_000
/** An account is new for so long: a profile may be changed at any time, and who was here before has seen those rooms or not. */
const NEW_MS = 3_600_000

/**
 * Brings new users into the rooms that the operator names. Follows the stream of profiles, in which every account begins, from a
 * stored position: registering does not wait for it, and nobody is forgotten when the process ends in between. Guests are not brought
 * in, nor users of application services; who has left is not brought back.
 */
export class AutoJoin {
  readonly #context: RoomsContext
  readonly #directory: Pick<Directory, 'roomOf'>
  readonly #memberships: Pick<Memberships, 'join'>
  readonly #rooms: readonly string[]
  readonly #clock: Clock
  readonly #log: Log
  readonly #profiles: ProfileReader
  readonly #users: UserReader
  readonly #providerAccounts: ProviderAccountReader
  readonly #follower: StreamFollower

  /** @param parts.rooms IDs or aliases, all of which are tried for everybody */
  constructor(parts: {
    context: RoomsContext
    directory: Pick<Directory, 'roomOf'>
    memberships: Pick<Memberships, 'join'>
    rooms: readonly string[]
    clock: Clock
    log: Log
  }) {
    const { db: database, processes } = parts.context
    this.#context = parts.context
    this.#directory = parts.directory
    this.#memberships = parts.memberships
    this.#rooms = parts.rooms
    this.#clock = parts.clock
    this.#log = parts.log
    this.#profiles = new ProfileReader(database)
    this.#users = new UserReader(database)
    this.#providerAccounts = new ProviderAccountReader(database)
    this.#follower = new StreamFollower({
      ...{ name: FOLLOWER, stream: 'profiles', database, sole: processes.soleWork(FOLLOWER) },
      ...{ clock: parts.clock, log: parts.log },
      work: (after, upTo) => this.#follow(after, upTo),
    })
  }

  start(): void {
    if (this.#rooms.length > 0) this.#follower.start()
  }

  async close(): Promise<void> {
    await this.#follower.close()
  }

  /** Resolves once everybody who has an account now was brought in. */
  async settled(): Promise<void> {
    await this.#follower.caughtUp()
  }

  async #follow(after: number, upTo: number): Promise<number> {
    const changed = await this.#profiles.changed(after, upTo, BATCH)
    await forEachBounded(changed, USERS_AT_ONCE, ({ userId }) => this.#bringIn(userId))
    return changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
  }

  async #bringIn(userId: string): Promise<void> {
    const user = await this.#users.byId(userId)
    if (user?.kind !== 'user' || user.deactivatedTs !== undefined) return
    if (this.#clock.now() - user.createdTs > NEW_MS) return
    // Users of application services can sign in with nothing.
    const isPerson =
      user.passwordHash !== undefined || (await this.#providerAccounts.providersOf(userId)).length > 0
    if (!isPerson) return
    // Those of servers that are gone keep nobody from the others.
    await forEachBounded(this.#rooms, ROOMS_AT_ONCE, async room => {
      const joining = this.#join(userId, room).catch(error => {
        if (!(error instanceof MatrixError)) throw error
        this.#log.warn({ room, user: userId, err: error }, 'a new user could not be brought into a room')
      })
      await inTime(this.#clock, PATIENCE_MS, joining)
    })
  }

  async #join(userId: string, room: string): Promise<void> {
    const { roomId, servers } = await this.#directory.roomOf(room)
    const { read } = this.#context
    const known = await read.rooms.byId(roomId)
    const membership = known && (await read.memberships.one(userId, known.nid))?.membership
    if (membership === undefined || membership === 'invite')
      await this.#memberships.join({ userId, roomId, via: servers })
  }
}
