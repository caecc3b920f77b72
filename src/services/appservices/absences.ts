import type { Clock } from '../../core/clock.ts'
import { AbsenceReader, AbsenceWriter } from '../../storage/appservices/absences.ts'
import type { Database } from '../../storage/database.ts'
import { FOLLOWED } from './outbox.ts'

/** A registration that was missing for less was missing by mistake. Milliseconds. */
const MISSED_MS = 24 * 60 * 60_000

/**
 * What services are told after the operator had taken their registrations away, and has given them back: what has come since then. A
 * service that is down is told everything once it is back; a bridge that nobody ran for weeks would send on to other networks what was
 * said here all that time.
 */
export class Absences {
  readonly #db: Database
  readonly #clock: Clock
  readonly #read: AbsenceReader
  readonly #write: AbsenceWriter

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#read = new AbsenceReader(db)
    this.#write = new AbsenceWriter(db, FOLLOWED)
  }

  /**
   * Takes note of which services there are. To be called before any is told anything.
   * @param serviceIds those that are told something
   */
  async note(serviceIds: ReadonlySet<string>): Promise<void> {
    const now = this.#clock.now()
    const known = await this.#read.followers()
    const statements = [...known].flatMap(([serviceId, { goneSince }]) => {
      if (!serviceIds.has(serviceId)) return goneSince === undefined ? this.#write.isGone(serviceId, now) : []
      if (goneSince === undefined) return []
      return now - goneSince < MISSED_MS
        ? this.#write.isBack(serviceId)
        : this.#write.beginsAnew(serviceId, goneSince)
    })
    if (statements.length === 0) return
    // Of processes that start together another may have been first, and is telling them already.
    if (!(await this.#db.commit({ statements })).ok) await this.note(serviceIds)
  }
}
