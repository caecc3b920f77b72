import { growingCache } from '../../core/growing-cache.ts'
import type { Processes } from '../processes.ts'
import type { PresenceState, PresenceStates } from './presence-states.ts'

/** A user's presence, and the rooms that they are in. */
interface ToldPresence {
  readonly userId: string
  /** The process that tells it. */
  readonly by: string
  readonly rooms: readonly number[]
  readonly state?: PresenceState
}

/** That a user has come into a room. */
interface Newcomer {
  readonly newcomer: string
  readonly roomNid: number
  /** The position of `events` since which they are there: each process that saw it tells the same. */
  readonly cameIn: number
}

/** What processes tell each other of presence; all of them, the one that tells included, learn it in the same order. */
export class PresenceBulletin {
  readonly #states: PresenceStates
  readonly #processes: Processes
  /** By newcomer and room, which coming they were last told for of those who are there. */
  readonly #welcomed = growingCache<string, number>(1_000)

  constructor(states: PresenceStates, processes: Processes) {
    this.#states = states
    this.#processes = processes
    processes.bulletin.on('presence', (told, position) =>
      this.#hear(told as ToldPresence | Newcomer, position),
    )
    processes.bulletin.onGap(() => states.forgetChanges())
  }

  /** Makes how a user is news for those in these rooms (nids). Resolves once it is news here. */
  async tell(userId: string, rooms: readonly number[], state: PresenceState | undefined): Promise<void> {
    const { bulletin, id: by } = this.#processes
    const told: ToldPresence = { userId, by, rooms, ...(state === undefined ? {} : { state }) }
    await bulletin.post('presence', told)
  }

  /** Makes how those in a room are news for a user who has come into it: once, whichever processes say so. */
  async welcome(newcomer: string, roomNid: number, cameIn: number): Promise<void> {
    const told: Newcomer = { newcomer, roomNid, cameIn }
    await this.#processes.bulletin.post('presence', told)
  }

  #hear(told: ToldPresence | Newcomer, position: number): void {
    if ('newcomer' in told) {
      const { newcomer, roomNid, cameIn } = told
      const key = `${newcomer} ${roomNid}`
      // Another process has told it already. Whoever leaves and comes back has come anew, however soon.
      if ((this.#welcomed.get(key) ?? 0) >= cameIn) return
      this.#welcomed.set(key, cameIn)
      this.#states.welcome(newcomer, roomNid, position)
      return
    }
    const { userId, by, rooms, state } = told
    const known = this.#states.get(userId)
    // What this process knows itself may be newer than what it has told.
    const isNews = by !== this.#processes.id && (known?.updatedTs ?? 0) <= (state?.updatedTs ?? 0)
    if (state !== undefined && isNews) this.#states.set(userId, state)
    this.#states.announce(userId, new Set(rooms), position)
  }
}
