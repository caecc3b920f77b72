import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { BoundedPool } from '../accounts/bounded-pool.ts'
import type { Memberships } from '../rooms/memberships.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { StreamFollower } from '../stream-follower.ts'

/** Which invitations are accepted for users who do nothing about it. */
export interface AcceptanceRules {
  readonly accept: 'none' | 'direct' | 'all'
  /** By whom they are, to count. */
  readonly acceptFrom: 'anybody' | 'local'
}

/** The name under which the position is stored. */
const FOLLOWER = 'accepted invitations'
const BATCH = 100
/** What is older is left to its user: after a long stop, or when this has just been switched on. */
const MAX_AGE_MS = 3_600_000
/** The inviter's server may not have stored the invitation yet, or be busy. */
const PAUSES_MS = [1_000, 4_000, 16_000, 64_000]
/** A join by way of another server takes its time. */
const JOINS_AT_ONCE = 8
/** Beyond so many that are being accepted, invitations are left to their users. */
const MAX_RUNNING = 1_000

/**
 * Accepts invitations for users of this server, by the operator's rules. Follows the stream of invitations from a stored position.
 * A join that fails is tried a few times; then, and when the process ends in between, the invitation stays pending for its user.
 */
export class AutomaticAcceptance {
  readonly #context: RoomsContext
  readonly #memberships: Pick<Memberships, 'join'>
  readonly #rules: AcceptanceRules
  readonly #isActive: (userId: string) => Promise<boolean>
  readonly #isWanted: (invitation: { readonly userId: string; readonly inviter: string }) => Promise<boolean>
  readonly #noteDirect: (userId: string, otherId: string, roomId: string) => Promise<void>
  readonly #clock: Clock
  readonly #log: Log
  readonly #follower: StreamFollower
  readonly #pool = new BoundedPool(JOINS_AT_ONCE, MAX_RUNNING)
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(parts: {
    context: RoomsContext
    memberships: Pick<Memberships, 'join'>
    rules: AcceptanceRules
    /** Whether somebody may act and answers by themselves: no user of a service, nobody who is locked. */
    isActive(userId: string): Promise<boolean>
    /** Whether somebody wants to see invitations of their inviter at all. */
    isWanted(invitation: { readonly userId: string; readonly inviter: string }): Promise<boolean>
    /** Has a room stand among the user's direct rooms with another. */
    noteDirect(userId: string, otherId: string, roomId: string): Promise<void>
    clock: Clock
    log: Log
  }) {
    const { db: database, processes } = parts.context
    this.#context = parts.context
    this.#memberships = parts.memberships
    this.#rules = parts.rules
    this.#isActive = parts.isActive
    this.#isWanted = parts.isWanted
    this.#noteDirect = parts.noteDirect
    this.#clock = parts.clock
    this.#log = parts.log
    this.#follower = new StreamFollower({
      ...{ name: FOLLOWER, stream: 'invites', database, sole: processes.soleWork(FOLLOWER) },
      ...{ clock: parts.clock, log: parts.log },
      work: (after, upTo) => this.#follow(after, upTo),
    })
  }

  start(): void {
    if (this.#rules.accept !== 'none') this.#follower.start()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#follower.close()
    await Promise.all(this.#running)
  }

  /** Resolves once all invitations that are stored now were answered, or given up. */
  async settled(): Promise<void> {
    await this.#follower.caughtUp()
    await Promise.all(this.#running)
  }

  async #follow(after: number, upTo: number): Promise<number> {
    const changed = await this.#context.read.invitations.changedOfAll(after, upTo, BATCH)
    for (const invitation of changed) {
      if (this.#counts(invitation)) this.#begin(invitation)
    }
    return changed.length < BATCH ? upTo : (changed.at(-1)?.position ?? upTo)
  }

  #counts(invitation: InvitationRow): boolean {
    const { kind, status, sender, createdTs } = invitation
    if (kind !== 'invite' || status !== 'invited' || this.#clock.now() - createdTs > MAX_AGE_MS) return false
    if (this.#rules.acceptFrom === 'local' && serverNameOf(sender) !== this.#context.serverName) return false
    return this.#rules.accept === 'all' || isDirect(invitation)
  }

  #begin(invitation: InvitationRow): void {
    const { userId: user, roomId: room } = invitation
    if (this.#running.size >= MAX_RUNNING) {
      this.#log.warn({ user, room }, 'too many invitations to accept at once: this one stays pending')
      return
    }
    const work = this.#accept(invitation)
      .catch(error => {
        if (!this.#closing.signal.aborted)
          this.#log.error({ user, room, err: error }, 'an invitation was not accepted')
      })
      .finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  async #accept(invitation: InvitationRow): Promise<void> {
    const { userId, roomId, sender } = invitation
    if (!(await this.#isActive(userId)) || !(await this.#isWanted({ userId, inviter: sender }))) return
    const via = serverNameOf(sender) === this.#context.serverName ? [] : [serverNameOf(sender)]
    for (let attempt = 0; await this.#isPending(invitation); attempt++) {
      try {
        await this.#pool.run(() => this.#memberships.join({ userId, roomId, via }))
        if (isDirect(invitation)) await this.#noteDirect(userId, sender, roomId)
        return
      } catch (error) {
        const pause = PAUSES_MS[attempt]
        if (pause === undefined) {
          this.#log.warn({ user: userId, room: roomId, err: error }, 'an invitation stays pending')
          return
        }
        await this.#clock.sleep(pause, this.#closing.signal)
      }
    }
  }

  async #isPending({ userId, roomId, eventId }: InvitationRow): Promise<boolean> {
    const now = await this.#context.read.invitations.one(userId, roomId)
    return now?.status === 'invited' && now.eventId === eventId
  }
}

const isDirect = ({ event }: InvitationRow): boolean =>
  isJsonObject(event['content']) && event['content']['is_direct'] === true
