import { DatabaseUnavailable, type Prepared, type Reader, type Writer } from './database.ts'

/** How many ids are reserved at once; a restart wastes no more than twice as many. */
const BLOCK = 1000
/** With fewer left, those who can wait do, so that those who cannot find some. */
const FEW = BLOCK / 2

interface Block {
  next: number
  /** The first id that is not of this block. */
  readonly end: number
}

/**
 * Hands out short integer ids (nids), unique in the database whatever the number of processes, without asking it each
 * time: a process reserves them in blocks. Ids grow within a process; between processes, and over restarts, there
 * are gaps and no order.
 */
export class NidAllocator {
  readonly #database: Reader & Writer
  readonly #sequence: string
  readonly #reserveStatement: Prepared
  readonly #blocks: Block[] = []
  #left = 0
  #reserving: Promise<void> | undefined
  #failure: unknown

  private constructor(database: Reader & Writer, sequence: string) {
    this.#database = database
    this.#sequence = sequence
    this.#reserveStatement = database.prepare(
      'INSERT INTO nid_sequences (name, next) VALUES (?, ?) ' +
        'ON CONFLICT (name) DO UPDATE SET next = nid_sequences.next + ? RETURNING next',
    )
  }

  /** An allocator of the named sequence (`event`, `room`, …), with its first ids at hand. Ids begin at 1. */
  static async open(database: Reader & Writer, sequence: string): Promise<NidAllocator> {
    const allocator = new NidAllocator(database, sequence)
    await allocator.ensure(BLOCK)
    return allocator
  }

  /**
   * The next id. More are reserved in the background while a block is left. Throws `DatabaseUnavailable` when that was
   * not in time: ask `refilled` before a few are taken, `ensure` before more than a few hundred are without a pause.
   */
  next(): number {
    const block = this.#blocks[0]
    if (block === undefined) {
      throw new DatabaseUnavailable(`no ids of '${this.#sequence}' are reserved`, { cause: this.#failure })
    }
    const id = block.next++
    if (block.next === block.end) this.#blocks.shift()
    this.#left -= 1
    // What fails here is tried again with the next id, and thrown when none is left.
    if (this.#left < BLOCK) this.#reserve(BLOCK).catch(() => undefined)
    return id
  }

  /** Makes sure that the next `count` calls of `next` succeed, as long as nobody else takes them. */
  async ensure(count: number): Promise<void> {
    while (this.#left < count) await this.#reserve(Math.max(BLOCK, count - this.#left))
  }

  /**
   * To be waited for before some are taken, where a thousand may do so in the same moment: there may be nothing left to wait for the
   * database with. `undefined` where there are plenty.
   */
  refilled(): Promise<void> | undefined {
    return this.#left < FEW ? this.ensure(FEW) : undefined
  }

  #reserve(count: number): Promise<void> {
    this.#reserving ??= this.#commitReservation(count).finally(() => {
      this.#reserving = undefined
    })
    return this.#reserving
  }

  async #commitReservation(count: number): Promise<void> {
    try {
      const result = await this.#database.commit({
        statements: [
          {
            prepared: this.#reserveStatement,
            rows: [[this.#sequence, count + 1, count]],
            returning: 'reserved',
          },
        ],
      })
      const end = result.ok ? Number(result.returned['reserved']?.[0]?.['next']) : Number.NaN
      if (!Number.isSafeInteger(end)) throw new Error(`the sequence '${this.#sequence}' cannot be read`)
      this.#blocks.push({ next: end - count, end })
      this.#left += count
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}
