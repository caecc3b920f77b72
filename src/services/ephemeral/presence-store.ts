import type { Clock } from '../../core/clock.ts'
import type { Database } from '../../storage/database.ts'
import { PresenceReader, PresenceWriter, type StoredPresence } from '../../storage/ephemeral/presence.ts'

/** Users who are read at the start. */
const MAX_LOADED = 5_000
/** Rows written in one commit. */
const MAX_BATCH = 1_000
/** Of whom nothing was heard for so long is forgotten. */
const KEPT_MS = 30 * 86_400_000

/**
 * Writes presence down once in a while, in one commit for everybody: cheap, and enough that after a restart a status
 * still stands, and that those who do not come back are told of as offline instead of being shown online for ever.
 */
export class PresenceStore {
  readonly #db: Database
  readonly #clock: Clock
  readonly #read: PresenceReader
  readonly #write: PresenceWriter
  readonly #changed = new Map<string, StoredPresence>()

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#read = new PresenceReader(db)
    this.#write = new PresenceWriter(db)
  }

  load(): Promise<StoredPresence[]> {
    return this.#read.newest(MAX_LOADED)
  }

  /** Has a state written down with the next batch. */
  note({ userId, presence, statusMsg, lastActiveTs, updatedTs }: StoredPresence): void {
    this.#changed.set(userId, { userId, presence, statusMsg, lastActiveTs, updatedTs })
  }

  /** Writes down what was noted. What cannot be written now is written with the next batch. */
  async flush(): Promise<void> {
    while (this.#changed.size > 0) {
      const batch = [...this.#changed.values()].slice(0, MAX_BATCH)
      await this.#db.commit({
        statements: [this.#write.put(batch), this.#write.expire(this.#clock.now() - KEPT_MS)],
      })
      for (const row of batch) if (this.#changed.get(row.userId) === row) this.#changed.delete(row.userId)
    }
  }
}
