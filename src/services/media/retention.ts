import { formatMxc } from '../../core/media.ts'
import type { MediaRow } from '../../storage/media/media.ts'
import { type Expendable, type KindUsage, MediaRetention } from '../../storage/media/retention.ts'
import type { MediaContext } from './context.ts'
import { References } from './references.ts'

/** What a purge deletes, or would. */
export interface Purged {
  readonly files: number
  readonly bytes: number
}

/** Content stays so long after the last that referred to it, for downloads and uploads under way. Milliseconds. */
const GRACE_MS = 3_600_000

/** Half-written files of processes that died. Milliseconds. */
const UNFINISHED_MS = 86_400_000

const INTERVAL_MS = 10 * 60_000
const BATCH = 500

/** Keeps the disk from filling. */
export class Retention {
  readonly #context: MediaContext
  readonly #store: MediaRetention
  readonly #references: References
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(context: MediaContext) {
    this.#context = context
    this.#store = new MediaRetention(context.database)
    this.#references = new References(context)
  }

  /** Cleans up from time to time, until `close`. */
  start(): void {
    this.#running ??= this.#keepHouse()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** The newest files of a user, or of everybody. */
  list(userId: string | undefined, limit: number): Promise<MediaRow[]> {
    return this.#context.read.newest(userId, limit)
  }

  usage(): Promise<KindUsage[]> {
    return this.#store.usage()
  }

  /**
   * Deletes what is too old by the settings: announced files that did not come, copies of others' files (also beyond
   * what these may take), uploads. Pictures that users or rooms show are spared.
   *
   * @param options.dryRun only counts.
   * @param options.remoteLifetime instead of the setting. Milliseconds.
   */
  async purge(options: { dryRun?: boolean; remoteLifetime?: number } = {}): Promise<Purged> {
    const { clock, options: settings, database } = this.#context
    const now = clock.now()
    if (!options.dryRun) await database.commit({ statements: [this.#store.expirePending(now)] })
    const goes = new Map<string, Expendable>()
    const mark = (each: Expendable) => goes.set(formatMxc(each), each)
    await this.#markCopies(now - (options.remoteLifetime ?? settings.remoteLifetime), mark)
    if (settings.localLifetime !== undefined) await this.#markUploads(now - settings.localLifetime, mark)
    let bytes = 0
    for (const each of goes.values()) {
      bytes += each.size
      // Whoever stores it anew in between keeps it.
      if (!options.dryRun) await database.commit({ statements: this.#store.delete(each, now) })
    }
    return { files: goes.size, bytes }
  }

  /** Deletes files of messages that were redacted before the grace time, unless other messages or pictures show them. */
  async purgeRedacted(): Promise<Purged> {
    const { clock, options, database } = this.#context
    const purged = { files: 0, bytes: 0 }
    if (options.redactedLifetime === undefined) return purged
    const shown = await this.#store.avatars()
    await this.#references.expire(options.redactedLifetime, async file => {
      if (shown.has(formatMxc(file))) return
      await database.commit({ statements: this.#store.delete(file, clock.now()) })
      purged.files++
      purged.bytes += file.size
    })
    return purged
  }

  /** Removes the content of what was deleted before the grace time. */
  async collect(): Promise<void> {
    const { clock, blobs, database } = this.#context
    const now = clock.now()
    const found = await this.#store.garbage(now - GRACE_MS, BATCH)
    for (const { hash, used } of found) {
      if (used) {
        await database.commit({ statements: [this.#store.collected(hash)] })
        continue
      }
      await database.commit({ statements: this.#store.forgetThumbnails(hash, now) })
      // Content that is being stored again has been refreshed, and is spared; it is looked at again next time.
      if (await blobs.remove(hash, now - GRACE_MS)) {
        await database.commit({ statements: [this.#store.collected(hash)] })
      }
    }
    await blobs.sweep(now - UNFINISHED_MS)
  }

  async #markCopies(accessedBefore: number, mark: (each: Expendable) => void): Promise<void> {
    const { options } = this.#context
    const stale = await this.#store.copies(accessedBefore, BATCH)
    stale.forEach(mark)
    const usage = await this.#store.usage()
    const copied = usage.filter(({ kind }) => kind !== 'upload').reduce((sum, { bytes }) => sum + bytes, 0)
    let excess = copied - options.remoteCacheSize - stale.reduce((sum, { size }) => sum + size, 0)
    if (excess <= 0) return
    // Least recently used first: what is marked already comes first, and again.
    for (const each of (await this.#store.copies(Number.MAX_SAFE_INTEGER, 2 * BATCH)).slice(stale.length)) {
      if (excess <= 0) return
      mark(each)
      excess -= each.size
    }
  }

  async #markUploads(createdBefore: number, mark: (each: Expendable) => void): Promise<void> {
    const shown = await this.#store.avatars()
    for (let from = 0; ; ) {
      const old = await this.#store.uploads(createdBefore, from, BATCH)
      for (const each of old) if (!shown.has(formatMxc(each))) mark(each)
      const last = old.at(-1)?.createdTs ?? from
      if (old.length < BATCH || last === from) return
      from = last
    }
  }

  async #keepHouse(): Promise<void> {
    const { clock, log } = this.#context
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const { files, bytes } = await this.purge()
        if (files > 0) log.info({ files, bytes }, 'old files were deleted')
        const redacted = await this.purgeRedacted()
        if (redacted.files > 0) log.info({ ...redacted }, 'files of redacted messages were deleted')
        await this.collect()
      } catch (error) {
        log.error({ err: error }, 'cleaning up among the files failed')
      }
      await clock.sleep(INTERVAL_MS, signal).catch(() => {})
    }
  }
}
