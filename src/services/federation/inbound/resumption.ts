import type { StagedPdu } from '../../../storage/federation/inbox.ts'
import type { RoomWriter } from '../../rooms/room-writer.ts'
import { Arrival, keyOf } from './arrival.ts'
import type { Backlog } from './backlog.ts'
import type { Postponed } from './postponed.ts'
import type { Staging } from './staging.ts'

/** Takes up what was staged, and acknowledged, by processes that have not dealt with it. */
export class Resumption {
  readonly #writer: RoomWriter
  readonly #staging: Staging
  readonly #backlog: Backlog
  readonly #postponed: Postponed<Arrival>
  readonly #enqueue: (arrival: Arrival) => void

  constructor(parts: {
    writer: RoomWriter
    staging: Staging
    backlog: Backlog
    postponed: Postponed<Arrival>
    enqueue: (arrival: Arrival) => void
  }) {
    this.#writer = parts.writer
    this.#staging = parts.staging
    this.#backlog = parts.backlog
    this.#postponed = parts.postponed
    this.#enqueue = parts.enqueue
  }

  /** Takes up all of it, as far as servers have too much waiting later: nobody's events wait for those of a server that is silent. */
  async all(): Promise<void> {
    let full = await this.receivedBefore(Number.POSITIVE_INFINITY)
    while (full.size > 0) {
      await this.#backlog.roomOfOne(full)
      if (this.#backlog.isClosed) return
      full = await this.receivedBefore(Number.POSITIVE_INFINITY)
    }
  }

  /**
   * Takes up what was received before an instant, and is neither under way nor put off here; answers the servers of which some was
   * left out, since too much of theirs is waiting.
   */
  async receivedBefore(before: number): Promise<Set<string>> {
    const full = new Set<string>()
    let last: StagedPdu | undefined
    do {
      const page: StagedPdu[] = await this.#staging.page(last)
      last = page.at(-1)
      for (const staged of page) {
        if (staged.receivedTs >= before) return full
        const known = { key: keyOf(staged) }
        if (this.#backlog.known(known) !== undefined || this.#postponed.has(known)) continue
        // Each server's in their order.
        if (full.has(staged.origin) || !this.#backlog.hasRoom(staged.origin)) full.add(staged.origin)
        else await this.#takeUp(staged)
      }
    } while (last !== undefined && !this.#backlog.isClosed)
    return full
  }

  async #takeUp(staged: StagedPdu): Promise<void> {
    const head = await this.#writer.head(staged.roomId)
    // The room is gone since.
    if (head === undefined) this.#staging.drop(staged)
    else this.#enqueue(Arrival.ofStaged(staged, head.version))
  }
}
