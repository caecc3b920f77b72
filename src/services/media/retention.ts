import { formatMxc } from '../../core/media.ts'
import type { MediaRow } from '../../storage/media/media.ts'
import { type Copy, type Expendable, type KindUsage, MediaRetention } from '../../storage/media/retention.ts'
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
   * what these may take), uploads. Of those are spared pictures that users or rooms show, and what is of use beyond messages.
   *
   * @param options.dryRun only counts.
   * @param options.remoteLifetime instead of the setting. Milliseconds.
   */
  async purge(options: { dryRun?: boolean; remoteLifetime?: number } = {}): Promise<Purged> {
    const { clock, options: settings, database } = this.#context
    const now = clock.now()
    const purged = { files: 0, bytes: 0 }
    if (!options.dryRun) await database.commit({ statements: [this.#store.expirePending(now)] })
    const copiesBefore = now - (options.remoteLifetime ?? settings.remoteLifetime)
    for await (const each of this.#expendable(copiesBefore, now)) {
      if (this.#stopping.signal.aborted) break
      purged.files++
      purged.bytes += each.size
      // Whoever stores it anew in between keeps it.
      if (!options.dryRun) await database.commit({ statements: this.#store.delete(each, now) })
    }
    return purged
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
    const { clock, blobs } = this.#context
    const now = clock.now()
    for (let isMore = true; isMore && !this.#stopping.signal.aborted; ) {
      const found = await this.#store.garbage(now - GRACE_MS, BATCH)
      let collected = 0
      for (const each of found) if (await this.#collect(each, now)) collected++
      isMore = found.length === BATCH && collected > 0
    }
    await blobs.sweep(now - UNFINISHED_MS)
  }

  /** Answers whether that is done. */
  async #collect({ hash, used }: { hash: string; used: boolean }, now: number): Promise<boolean> {
    const { blobs, database } = this.#context
    if (!used) {
      await database.commit({ statements: this.#store.forgetThumbnails(hash, now) })
      // Content that is being stored again has been refreshed, and is spared; it is looked at again next time.
      if (!(await blobs.remove(hash, now - GRACE_MS))) return false
    }
    await database.commit({ statements: [this.#store.collected(hash)] })
    return true
  }

  /** What is too old, or too much: copies that nobody has asked for since an instant, and uploads. */
  async *#expendable(copiesBefore: number, now: number): AsyncGenerator<Expendable> {
    const { remoteCacheSize, localLifetime } = this.#context.options
    const usage = await this.#store.usage()
    let left = usage.reduce((sum, { kind, bytes }) => (kind === 'upload' ? sum : sum + bytes), 0)
    const before = left > remoteCacheSize ? Number.MAX_SAFE_INTEGER : copiesBefore
    for await (const each of this.#copies(before)) {
      if (each.accessedTs >= copiesBefore && left <= remoteCacheSize) break
      left -= each.size
      yield each
    }
    if (localLifetime !== undefined) yield* this.#uploads(now - localLifetime)
  }

  /** Those first that nobody has asked for for the longest, up to an instant. */
  async *#copies(accessedBefore: number): AsyncGenerator<Copy> {
    for (let after: Copy | undefined; ; ) {
      const page = await this.#store.copies(accessedBefore, after, BATCH)
      yield* page
      after = page.at(-1)
      if (page.length < BATCH) return
    }
  }

  async *#uploads(createdBefore: number): AsyncGenerator<Expendable> {
    let isLasting: ((file: Expendable) => Promise<boolean>) | undefined
    const shown = await this.#store.avatars()
    for (let after: Expendable | undefined; ; ) {
      const old = await this.#store.uploads(createdBefore, after, BATCH)
      if (old.length > 0) isLasting ??= await this.#references.lasting()
      for (const each of old) if (!shown.has(formatMxc(each)) && !(await isLasting?.(each))) yield each
      after = old.at(-1)
      if (old.length < BATCH) return
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
