import type { Log } from '../../../core/log.ts'
import { type Database, DatabaseGaveUp } from '../../../storage/database.ts'
import { InboxReader, InboxWriter, type StagedPdu } from '../../../storage/federation/inbox.ts'
import { Gathering } from '../../gathering.ts'
import type { Arrival } from './arrival.ts'

const PAGE = 200

/** Events that the database keeps until their rooms have dealt with them, so that they can be acknowledged before. */
export class Staging {
  readonly #db: Database
  readonly #log: Log
  readonly #read: InboxReader
  readonly #write: InboxWriter
  /** What was dealt with, on its way out. */
  readonly #done = new Gathering<Pick<StagedPdu, 'roomId' | 'eventId'>>(rows => this.#clear(rows))

  constructor(db: Database, log: Log) {
    this.#db = db
    this.#log = log
    this.#read = new InboxReader(db)
    this.#write = new InboxWriter(db)
  }

  /**
   * Resolves once the database keeps them. Throws what has kept one of them from being stored in its room, if it did not before, unless
   * the database has given up that one: then it is tried again, and holds up nothing else that its server has to send.
   */
  async keep(arrivals: readonly Arrival[]): Promise<void> {
    const fresh = arrivals.filter(({ staged }) => staged === undefined)
    for (const { failure } of fresh)
      if (failure !== undefined && !(failure instanceof DatabaseGaveUp)) throw failure
    if (fresh.length > 0) {
      const statements = this.#write.stage(fresh.map(arrival => arrival.row()))
      const staged = this.#db.commit({ statements }).then(() => undefined)
      for (const arrival of fresh) arrival.staged = staged
    }
    await Promise.all(arrivals.map(({ staged }) => staged))
  }

  /** It need not be kept any more. */
  drop(staged: Pick<StagedPdu, 'roomId' | 'eventId'>): void {
    this.#done.add(staged)
  }

  /** The oldest after a given one, or of all. */
  page(after: StagedPdu | undefined): Promise<StagedPdu[]> {
    return this.#read.staged(after, PAGE)
  }

  /** Resolves once all that was dropped is gone. */
  settled(): Promise<void> {
    return this.#done.settled()
  }

  async #clear(rows: readonly Pick<StagedPdu, 'roomId' | 'eventId'>[]): Promise<void> {
    try {
      await this.#db.commit({ statements: [this.#write.unstage(rows)] })
    } catch (error) {
      // They are received once more at the next start, and are duplicates then.
      this.#log.warn({ err: error }, 'staged events could not be removed')
    }
  }
}
