import type { RoomEvent } from '../../../../core/event/event.ts'
import type { BackoffPolicy } from '../../../../network/backoff.ts'
import type { PartialTask } from '../../../rooms/partial-task.ts'
import type { FailedRound } from './failed-round.ts'

/** It is tried for ever: without its members a room cannot be used in full, and nobody else would try. */
const BACKOFF: BackoffPolicy = { initialMs: 5_000, factor: 2, maxMs: 60 * 60_000, jitter: 0.2 }
/** Where nobody could be heard, or everybody has only refused, asking has cost nothing. */
const CHEAP_BACKOFF: BackoffPolicy = { ...BACKOFF, maxMs: 5 * 60_000 }
/**
 * Members whose servers' keys cannot be had are left out: every server of the room but us would take them for members. So
 * often it is tried again before that; not where many servers are gone, which is for good.
 */
const MAX_KEY_ROUNDS = 2
const MAX_SERVERS_WAITED_FOR = 10
/**
 * In so many rounds one after another, over some minutes, we are told that nobody of ours is in the room before that is taken for so;
 * in more of them, over more than an hour, where other servers of the room cannot be heard.
 */
const MAX_REFUSED_ROUNDS = 5
const MAX_REFUSED_ROUNDS_UNHEARD = 20

/** A room that was joined without its members. */
export interface Completion extends PartialTask {
  /** Servers to ask first, in this order; the first is the one that let us in. */
  readonly servers: readonly string[]
}

/** The state before a join as the server that let us in has given it with all members, verified. */
export interface GivenState {
  readonly state: readonly RoomEvent[]
  readonly authChain: readonly RoomEvent[]
  /** Some of it, or of what authorises it, was not given, or could not be verified. */
  readonly isIncomplete: boolean
}

/** What is remembered of a completion from one round to the next. */
export class Course {
  readonly onMissing: ((events: number) => void) | undefined
  /** What came with the join; only until it is stored. */
  given: GivenState | undefined
  /** The event IDs of a state that was given in part: if nobody gives more, this is it. */
  partIds: readonly string[] | undefined
  rounds = 0
  /** Those of them that were waited for only because they lacked keys, or an answer. */
  #keyRounds = 0
  /** In how many of the last ones in a row we were taken for strangers. */
  #refusals = 0
  #last: FailedRound | undefined

  constructor(given: GivenState | undefined, onMissing: ((events: number) => void) | undefined) {
    this.given = given
    this.onMissing = onMissing
  }

  /** Whether it is to be tried again for the sake of these servers' keys. */
  waitsForKeys(unverified: ReadonlySet<string>): boolean {
    return unverified.size > 0 && unverified.size <= MAX_SERVERS_WAITED_FOR && !this.hasWaitedForKeys()
  }

  /** Whether it was tried again often enough; if not, this is counted as once more. */
  hasWaitedForKeys(): boolean {
    return this.#keyRounds++ >= MAX_KEY_ROUNDS
  }

  /** A round is over in which nobody has given all of it. */
  failed(round: FailedRound, { servers: [resident = ''] }: Completion): void {
    this.#last = round
    this.#refusals = round.isRefusedBy(resident) ? this.#refusals + 1 : 0
  }

  /** How long it is waited after the last round. */
  get policy(): BackoffPolicy {
    return this.#last?.isCheap === true ? CHEAP_BACKOFF : BACKOFF
  }

  /** Whether we were refused for the first time: who could not be heard before can be now, so that pauses begin anew. */
  get isNewlyRefused(): boolean {
    return this.#refusals === 1
  }

  /** Whether those who know the room have said for long enough that nobody of ours is in it. */
  get isRefusedForGood(): boolean {
    const limit = this.#last?.isAnyUnheard === true ? MAX_REFUSED_ROUNDS_UNHEARD : MAX_REFUSED_ROUNDS
    return this.#refusals >= limit
  }
}
