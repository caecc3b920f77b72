import type { Prepared, Reader } from '../database.ts'

/** Goes through the stream of events in steps of so many, however many positions lie between: some are kept free (`TimelineGap`). */
export class EventSteps {
  readonly #db: Reader
  readonly #size: number
  readonly #last: Prepared

  constructor(db: Reader, size: number) {
    this.#db = db
    this.#size = size
    this.#last = db.prepare(
      'SELECT position FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT 1 OFFSET ?',
    )
  }

  /** Where the step ends that begins after a position, at most `upTo`. */
  async end(after: number, upTo: number): Promise<number> {
    if (upTo - after <= this.#size) return upTo
    const parameters = [after, upTo, this.#size - 1]
    const row = await this.#db.get<{ position: number }>(this.#last, parameters)
    return row?.position ?? upTo
  }
}
