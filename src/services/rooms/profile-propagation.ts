import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { ProfileReader } from '../../storage/accounts/profiles.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import { forEachBounded } from '../bounded.ts'
import { LeaseLost } from '../lease.ts'
import type { SoleWork } from '../processes.ts'
import { type FollowedStep, StreamFollower } from '../stream-follower.ts'
import type { MemberProfile } from './ports.ts'
import type { RoomSender } from './room-sender.ts'
import { contentShown } from './room-summary.ts'
import { GuardFailed, RoomContended, type RoomsContext } from './room-writer.ts'

/** The names under which the positions are stored. */
const FOLLOWER = 'profile-propagation'
const LATE_FOLLOWER = 'profile-propagation of memberships learnt late'
/** Profiles that are looked at before the position is stored again. */
const BATCH = 100
/** Users, and rooms of each, that are worked on at the same time. */
const USERS_AT_ONCE = 4
const ROOMS_AT_ONCE = 4
/** What failed for reasons that pass (the database is away) is tried again after so long. */
const RETRY_MS = 5_000
/** A client that has changed its profile is answered after so long even if not all rooms have been told. */
const PATIENCE_MS = 3_000

/** What a member event holds for reasons that do not hold for the next one. */
const NOT_CARRIED_OVER = new Set([
  'displayname',
  'avatar_url',
  'reason',
  'is_direct',
  'third_party_invite',
  // Needed to get in; afterwards it would only have to be vouched for again.
  'join_authorised_via_users_server',
])

/**
 * Tells rooms of new names and pictures of local users: "an m.room.member event (with a join membership) is sent to
 * every room the user is a member of". Follows the stream of profiles from a stored position, so that no change is
 * lost when the process ends in between; rooms that have been told already are left alone. Where it is learnt late that a user
 * is in a room, it is told then.
 */
export class ProfilePropagation {
  readonly #context: RoomsContext
  readonly #sender: Pick<RoomSender, 'send'>
  readonly #profile: MemberProfile
  readonly #isUnheard: ((userId: string) => Promise<boolean>) | undefined
  readonly #clock: Clock
  readonly #log: Log
  readonly #profiles: ProfileReader
  readonly #stopping = new AbortController()
  readonly #follower: StreamFollower
  readonly #lateFollower: StreamFollower
  readonly #sole: SoleWork
  #isStarted = false

  constructor(parts: {
    context: RoomsContext
    sender: Pick<RoomSender, 'send'>
    profile: MemberProfile
    /** Whether a user's doings are to reach nobody. */
    isUnheard?: (userId: string) => Promise<boolean>
    clock: Clock
    log: Log
  }) {
    const { db: database, processes } = parts.context
    this.#context = parts.context
    this.#sender = parts.sender
    this.#profile = parts.profile
    this.#isUnheard = parts.isUnheard
    this.#clock = parts.clock
    this.#log = parts.log
    this.#profiles = new ProfileReader(database)
    this.#sole = processes.soleWork(FOLLOWER)
    this.#follower = new StreamFollower({
      ...{ name: FOLLOWER, stream: 'profiles', database, sole: this.#sole },
      ...{ clock: parts.clock, log: parts.log },
      work: (after, upTo) => this.#attempt(after, () => this.#follow(after, upTo)),
    })
    this.#lateFollower = new StreamFollower({
      ...{ name: LATE_FOLLOWER, stream: 'events', database, sole: this.#sole },
      ...{ clock: parts.clock, log: parts.log },
      work: (after, upTo) => this.#attempt(after, () => this.#followLate(after, upTo)),
      passesOver: (after, upTo) => this.#context.read.news.isKnownPlain(after, upTo),
    })
  }

  /** Goes on where an earlier process has ended, and follows from then on. */
  start(): void {
    this.#isStarted = true
    this.#follower.start()
    this.#lateFollower.start()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#follower.close(), this.#lateFollower.close()])
  }

  /** Resolves once the rooms know all profiles as they are now, or after some seconds. */
  async settled(): Promise<void> {
    if (!this.#isStarted) return
    const given = new AbortController()
    const patience = this.#clock.sleep(PATIENCE_MS, given.signal).catch(() => {})
    await Promise.race([this.#follower.caughtUp(), patience])
    given.abort()
  }

  async #attempt<T>(after: number, follow: () => Promise<T>): Promise<T | number> {
    const { signal } = this.#stopping
    try {
      return await follow()
    } catch (error) {
      if (signal.aborted) return after
      if (error instanceof LeaseLost) throw error
      this.#log.warn({ err: error }, 'new profiles could not be told to all rooms yet')
      await this.#clock.sleep(RETRY_MS, signal).catch(() => {})
      return after
    }
  }

  async #follow(after: number, upTo: number): Promise<number> {
    const changed = await this.#profiles.changed(after, upTo, BATCH)
    await forEachBounded(changed, USERS_AT_ONCE, ({ userId }) => this.#propagate(userId))
    return changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
  }

  /** Those whose membership was learnt late may have changed their profile since they asked for it. */
  async #followLate(after: number, upTo: number): Promise<FollowedStep> {
    const { memberships } = this.#context.read
    for (const { userId, roomNid } of await memberships.toldBetween(after, upTo)) {
      const row = await memberships.one(userId, roomNid)
      const fence = this.#sole.fence()
      if (row?.membership === 'join') await this.#tell(row, await this.#profile(userId), fence)
    }
    return { reached: upTo, statements: [] }
  }

  async #propagate(userId: string): Promise<void> {
    if (await this.#isUnheard?.(userId)) return
    const rows = await this.#context.read.memberships.ofUser(userId, ['join'])
    if (rows.length === 0) return
    // Taken before the profile is read: a process that stands still after that has an old one in its hands.
    const fence = this.#sole.fence()
    const profile = await this.#profile(userId)
    await forEachBounded(rows, ROOMS_AT_ONCE, row => this.#tell(row, profile, fence))
  }

  async #tell(
    { roomId, userId, eventNid }: MembershipRow,
    profile: JsonObject,
    fence: readonly WriteStatement[],
  ): Promise<void> {
    if (this.#stopping.signal.aborted) throw new Error('the server stops')
    const [stored] = await this.#context.read.events.byNids([eventNid])
    const before = stored === undefined ? {} : contentShown(stored)
    const told = ['displayname', 'avatar_url'].every(key => before[key] === profile[key])
    if (told) return
    const kept = Object.entries(before).filter(([key]) => !NOT_CARRIED_OVER.has(key))
    const content = { ...Object.fromEntries(kept), ...profile, membership: 'join' }
    try {
      await this.#sender.send(
        roomId,
        { type: 'm.room.member', sender: userId, stateKey: userId, content },
        {
          check: head => refuseUnlessJoined(head.memberships.get(userId)),
          statements: fence,
        },
      )
    } catch (error) {
      if (error instanceof GuardFailed) throw new LeaseLost('another process tells of profiles')
      // The room does not allow it (any more), or its policy server does not answer: nobody else's name is to wait for that. The next
      // change reaches the room, or whoever joins it anew.
      if (!(error instanceof MatrixError) || error instanceof RoomContended) throw error
      this.#log.info({ room: roomId, user: userId, err: error }, 'a room was not told of a new profile')
    }
  }
}

/** Whoever has left in the meantime is not brought back by their new name. */
const refuseUnlessJoined = (membership: string | undefined): void => {
  if (membership !== 'join') throw new MatrixError('M_FORBIDDEN', 'The user has left the room')
}
