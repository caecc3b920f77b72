import { formatMxc } from '../../core/media.ts'
import { filesNamedIn } from '../../core/media-references.ts'
import { MediaReferences } from '../../storage/media/references.ts'
import type { Expendable } from '../../storage/media/retention.ts'
import { EventCache } from '../../storage/rooms/event-cache.ts'
import { EventReader } from '../../storage/rooms/events.ts'
import type { MediaContext } from './context.ts'

const BATCH = 500

/**
 * Knows which events name which files. A redaction notes what its message showed; what no other event names after the grace time, nor
 * anybody's own data, goes, unless somebody has asked for it meanwhile. Files in encrypted messages are unknown: they are given up by
 * nothing, and a file that was forwarded into one stays by being looked at.
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

  /** Looks through the events that have come since the last time. */
  async catchUp(): Promise<void> {
    const { database } = this.#context
    const upTo = database.position('events')
    for (let after = await this.#store.position(); after < upTo; ) {
      const found = await this.#store.events(after, upTo, BATCH)
      const events = await this.#events.byNids(found.map(one => one.nid))
      const references = events.flatMap(({ nid, event }) =>
        filesNamedIn(JSON.stringify(event.content)).map(file => ({ ...file, nid })),
      )
      after = found.length < BATCH ? upTo : (found.at(-1)?.position ?? upTo)
      await database.commit({ statements: [...this.#store.insert(references), this.#store.reached(after)] })
    }
  }

  /**
   * Says of files whether they are of use beyond messages: to users for themselves, in rooms they are in, or as parts of rooms,
   * such as packs of stickers.
   */
  async lasting(): Promise<(file: Expendable) => Promise<boolean>> {
    await this.catchUp()
    const own = await this.#ownFiles()
    return async file =>
      own.has(formatMxc(file)) || (await this.#isMemberPicture(file)) || this.#store.isInState(file)
  }

  /** Hands files of redacted messages to `remove`, once they were given up for longer than the grace time (ms). */
  async expire(graceMs: number, remove: (file: Expendable) => Promise<void>): Promise<void> {
    const { database, clock } = this.#context
    const before = clock.now() - graceMs
    await this.catchUp()
    const found = await this.#store.expendable(before, BATCH)
    const own = found.length === 0 ? new Set<string>() : await this.#ownFiles()
    for (const file of found) {
      if (!own.has(formatMxc(file)) && !(await this.#isMemberPicture(file))) await remove(file)
      await database.commit({ statements: [this.#store.forget(file)] })
    }
    // Those that another message shows are given up anew when that is redacted.
    if (found.length < BATCH) await database.commit({ statements: [this.#store.dropReleases(before)] })
  }

  /** What users keep for themselves or show in their profiles. */
  async #ownFiles(): Promise<Set<string>> {
    return new Set((await this.#store.ownData()).flatMap(filesNamedIn).map(formatMxc))
  }

  async #isMemberPicture(file: Expendable): Promise<boolean> {
    return file.userId !== null && (await this.#store.isMemberPicture(file.userId, formatMxc(file)))
  }
}
