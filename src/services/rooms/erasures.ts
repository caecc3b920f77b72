import type { Clock } from '../../core/clock.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { ErasureReader } from '../../storage/accounts/erasures.ts'
import type { Database } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import type { Sight } from './room-sight.ts'

/** So late may an erasure be seen that another process has made, in milliseconds. */
const LOOK_EVERY_MS = 10_000

/** Who has had their content erased → the position of the newest event there was then. */
export type ErasedSenders = ReadonlyMap<string, number>

/**
 * Knows whose content was to be erased: "Erasure means that any users (or servers) which join the room after the erasure
 * request are served redacted copies of the events sent by this account. Users which had visibility on those events prior to
 * the erasure are still able to see unredacted copies." (client-server API, `POST /account/deactivate`)
 */
export class Erasures {
  readonly #clock: Clock
  readonly #reader: ErasureReader
  readonly #erased = new Map<string, number>()
  #newest = 0
  #lookAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  constructor(database: Database, clock: Clock) {
    this.#clock = clock
    this.#reader = new ErasureReader(database)
  }

  /** All of them, as they were some seconds ago at the latest. */
  current(): Answer<ErasedSenders> {
    return this.#clock.now() < this.#lookAt ? this.#erased : this.refresh().then(() => this.#erased)
  }

  /** Looks for new ones now. */
  async refresh(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  async #look(): Promise<void> {
    this.#lookAt = this.#clock.now() + LOOK_EVERY_MS
    for (const { userId, position } of await this.#reader.since(this.#newest)) {
      this.#erased.set(userId, position)
      this.#newest = position
    }
  }
}

/**
 * Whether an event is shown redacted to somebody, since its sender wanted that. State is the room's, and stays, but for what
 * members' events say of their senders.
 *
 * @param joinedFrom the positions from which on they were joined
 */
export const isErasedFor = (
  erased: ErasedSenders,
  event: RoomEvent,
  joinedFrom: Iterable<number>,
): boolean => {
  const position = erased.get(event.sender)
  if (position === undefined || (event.stateKey !== undefined && event.type !== 'm.room.member')) return false
  for (const from of joinedFrom) if (from <= position) return false
  return true
}

/** Stands for the redaction of an event that a viewer is shown nothing of, though it is not redacted: there is no such event. */
export const WITHHELD = 0

/** The event as if it were redacted, for those who are not to be shown its content. */
export const withheld = <T extends { readonly redactedBy: number | undefined }>(stored: T): T => ({
  ...stored,
  redactedBy: WITHHELD,
})

/** The event as a viewer may have it after its sender has had their content erased; without a sight, they may see everything. */
export const withoutErased = <T extends StoredEvent | undefined>(
  stored: T,
  { userId, sight }: { readonly userId: string; readonly sight?: Sight },
  erased: ErasedSenders,
): T => {
  if (stored === undefined || stored.redactedBy !== undefined || sight === undefined) return stored
  if (stored.event.sender === userId || !erased.has(stored.event.sender)) return stored
  const joinedFrom = sight.joins.map(({ from }) => from)
  return isErasedFor(erased, stored.event, joinedFrom) ? withheld(stored) : stored
}
