import { filesOf } from '../../core/media-references.ts'
import { MediaReferences } from '../../storage/media/references.ts'
import type { Expendable } from '../../storage/media/retention.ts'
import { EventCache } from '../../storage/rooms/event-cache.ts'
import { EventReader } from '../../storage/rooms/events.ts'
import type { MediaContext } from './context.ts'

const BATCH = 500

/**
 * Knows which messages show which files. A redaction notes what its message showed; what nobody else's message shows
 * after the grace time goes. Files in encrypted messages are unknown: they are given up by nothing.
 */
export class References {
  readonly #context: MediaContext
  readonly #store: MediaReferences
  readonly #events: EventReader

  constructor(context: MediaContext) {
    this.#context = context
    this.#store = new MediaReferences(context.database)
    this.#events = new EventReader(context.database, new EventCache(1))
  }

  /** Looks through the messages that have come since the last time. */
  async catchUp(): Promise<void> {
    const { database } = this.#context
    const upTo = database.position('events')
    for (let after = await this.#store.position(); after < upTo; ) {
      const messages = await this.#store.messages(after, upTo, BATCH)
      const events = await this.#events.byNids(messages.map(message => message.nid))
      const references = events.flatMap(({ nid, event }) => filesOf(event).map(file => ({ ...file, nid })))
      after = messages.length < BATCH ? upTo : (messages.at(-1)?.position ?? upTo)
      await database.commit({ statements: [...this.#store.insert(references), this.#store.reached(after)] })
    }
  }

  /** Hands files of redacted messages to `remove`, once they were given up for longer than the grace time (ms). */
  async expire(graceMs: number, remove: (file: Expendable) => Promise<void>): Promise<void> {
    const { database, clock } = this.#context
    const before = clock.now() - graceMs
    await this.catchUp()
    const found = await this.#store.expendable(before, BATCH)
    for (const file of found) {
      await remove(file)
      await database.commit({ statements: [this.#store.forget(file)] })
    }
    // Those that another message shows are given up anew when that is redacted.
    if (found.length < BATCH) await database.commit({ statements: [this.#store.dropReleases(before)] })
  }
}
