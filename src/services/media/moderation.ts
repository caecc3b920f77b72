import { MatrixError } from '../../core/errors.ts'
import { isServerName } from '../../core/ids.ts'
import { formatMxc, isMediaId, type Mxc, parseMxc } from '../../core/media.ts'
import { filesShownBy } from '../../core/media-references.ts'
import type { MediaRow } from '../../storage/media/media.ts'
import { MediaCatalogue } from '../../storage/media/media-catalogue.ts'
import { type Expendable, MediaRetention } from '../../storage/media/retention.ts'
import { EventCache } from '../../storage/rooms/event-cache.ts'
import { EventReader } from '../../storage/rooms/events.ts'
import { forEachBounded } from '../bounded.ts'
import { BEGINNING } from '../rooms/visible-ranges.ts'
import type { MediaContext } from './context.ts'

const BATCH = 500
/** Deletions that share commits. */
const AT_ONCE = 32

/** Files that one request deletes, so that it comes to an end; who wants more asks again. */
const MAX_DELETED = 10_000

/** What is known of a file. */
export interface MediaInfo extends MediaRow {
  readonly isAuthenticated: boolean
}

/** What was deleted, by media ID. */
export interface DeletedMedia {
  readonly deleted_media: string[]
  readonly total: number
}

/** What administrators do about files: hiding them from everybody, keeping them from that, and deleting them. */
export class MediaModeration {
  readonly catalogue: MediaCatalogue
  readonly #context: MediaContext
  readonly #store: MediaRetention
  readonly #events: EventReader

  constructor(context: MediaContext) {
    this.#context = context
    this.catalogue = new MediaCatalogue(context.database)
    this.#store = new MediaRetention(context.database)
    this.#events = new EventReader(context.database, new EventCache(1))
  }

  /** What is known of a file. Throws `M_NOT_FOUND`. */
  async one({ origin, mediaId }: Mxc): Promise<MediaInfo> {
    const row = await this.#context.read.one(origin, mediaId)
    if (row === undefined) throw notFound()
    return { ...row, isAuthenticated: this.isAuthenticated(row) }
  }

  /** Whether a file is given only to those who have an access token. */
  isAuthenticated({ createdTs }: MediaRow): boolean {
    const { legacyEndpoints, legacyBefore = 0 } = this.#context.options
    return !legacyEndpoints && createdTs >= legacyBefore
  }

  /** As `quarantine`. Throws `M_INVALID_PARAM` for what is no `mxc://` URI. */
  async quarantineUri(uri: string, isHidden: boolean, by?: string): Promise<number> {
    const mxc = parseMxc(uri)
    if (mxc === undefined) throw new MatrixError('M_INVALID_PARAM', `${uri} is no mxc:// URI`)
    return this.quarantine([mxc], isHidden, by)
  }

  /** As `quarantine`. Throws `M_INVALID_PARAM` for what is no name of a file. */
  async quarantineOne(origin: string, mediaId: string, isHidden: boolean, by: string): Promise<number> {
    if (!isServerName(origin) || !isMediaId(mediaId))
      throw new MatrixError('M_INVALID_PARAM', 'This is not the name of a file')
    return this.quarantine([{ origin, mediaId }], isHidden, by)
  }

  /**
   * Hides files from everybody, with all others of the same content, or shows them again. What is protected is not hidden.
   *
   * @param by the user ID of the administrator, where there is one.
   * @returns how many files that concerns.
   */
  async quarantine(files: readonly Mxc[], isHidden: boolean, by?: string): Promise<number> {
    const { read, serverName, clock, database } = this.#context
    const absent = new Map<string, Mxc & { readonly kind: 'upload' | 'remote' }>()
    const contents = new Set<string>()
    for (const { origin, mediaId } of files) {
      const row = await read.one(origin, mediaId)
      if (isHidden && row?.isProtected === true) continue
      const kind = origin === serverName ? 'upload' : 'remote'
      if (row?.hash === undefined) absent.set(formatMxc({ origin, mediaId }), { origin, mediaId, kind })
      else contents.add(row.hash)
    }
    const [names, hashes] = [[...absent.values()], [...contents]]
    if (names.length + hashes.length === 0) return 0
    await database.commit({
      statements: isHidden
        ? this.#store.quarantine({ names, hashes }, by, clock.now())
        : this.#store.release({ names, hashes }),
    })
    let count = names.length
    for (const hash of hashes) count += await read.countOfContent(hash, { withProtected: !isHidden })
    return count
  }

  /** Hides what messages of a room show. Files in encrypted messages are unknown. @returns how many files. */
  async quarantineRoom(roomNid: number, by: string): Promise<number> {
    let count = 0
    for await (const files of this.#inRoom(roomNid)) count += await this.quarantine(files, true, by)
    return count
  }

  /** Hides all that a user has uploaded. @returns how many files. */
  async quarantineUser(userId: string, by: string): Promise<number> {
    let count = 0
    for (let from = 0; ; from += BATCH) {
      const page = { order: 'media_id', isDescending: false, from, limit: BATCH } as const
      const rows = await this.catalogue.ofUser(userId, page)
      const shown = rows.filter(({ quarantinedTs }) => quarantinedTs === undefined)
      count += await this.quarantine(shown, true, by)
      if (rows.length < BATCH) return count
    }
  }

  /** The files that a room's messages show, each once, as `mxc://` URIs: those of this server, and others. */
  async filesInRoom(roomNid: number): Promise<{ local: string[]; remote: string[] }> {
    const found = new Map<string, Mxc>()
    for await (const files of this.#inRoom(roomNid)) {
      for (const file of files) found.set(formatMxc(file), file)
    }
    const isOwn = ([, { origin }]: [string, Mxc]): boolean => origin === this.#context.serverName
    const { local = [], remote = [] } = Object.groupBy(found, file => (isOwn(file) ? 'local' : 'remote'))
    return { local: local.map(([uri]) => uri), remote: remote.map(([uri]) => uri) }
  }

  /** Keeps an upload from being hidden, or no longer. Throws `M_NOT_FOUND`. */
  async protect(mediaId: string, isProtected: boolean): Promise<void> {
    const { database, serverName } = this.#context
    if (!isMediaId(mediaId)) throw notFound()
    const result = await database.commit({
      statements: [this.catalogue.protect(serverName, mediaId, isProtected)],
    })
    if (!result.ok) throw notFound()
  }

  /** Deletes an upload. Throws `M_NOT_FOUND`. */
  async delete(mediaId: string): Promise<DeletedMedia> {
    const file = await this.catalogue.upload(this.#context.serverName, mediaId)
    if (file === undefined) throw notFound()
    return this.#delete([file])
  }

  /** Deletes uploads of a user, in the order in which they are listed. */
  async deleteListed(rows: readonly MediaRow[]): Promise<DeletedMedia> {
    const files = rows.flatMap(({ hash, userId = null, ...row }) =>
      hash === undefined ? [] : [{ ...row, userId, hash }],
    )
    return this.#delete(files)
  }

  /**
   * Deletes uploads that nobody has asked for since an instant (ms) and that are larger than `size` bytes, but for what is hidden or
   * protected; also the pictures that users and rooms have, unless these are kept.
   */
  async deleteOld(accessedBefore: number, size: number, keepsPictures: boolean): Promise<DeletedMedia> {
    const shown = keepsPictures ? await this.#store.avatars() : new Set<string>()
    const deleted: string[] = []
    let after = { accessedTs: -1, mediaId: '' }
    while (deleted.length < MAX_DELETED) {
      const page = await this.catalogue.old({ accessedBefore, size }, after, BATCH)
      const { deleted_media } = await this.#delete(page.filter(file => !shown.has(formatMxc(file))))
      deleted.push(...deleted_media)
      const last = page.at(-1)
      if (last === undefined || page.length < BATCH) break
      after = { accessedTs: last.accessedTs, mediaId: last.mediaId }
    }
    return { deleted_media: deleted, total: deleted.length }
  }

  /** Deletes copies of others' files that nobody has asked for since an instant (ms). @returns how many. */
  async deleteCopies(accessedBefore: number): Promise<number> {
    let count = 0
    while (count < MAX_DELETED) {
      const page = await this.catalogue.copies(accessedBefore, BATCH)
      const { total } = await this.#delete(page)
      count += total
      if (page.length < BATCH || total === 0) break
    }
    return count
  }

  async #delete(files: readonly Expendable[]): Promise<DeletedMedia> {
    const { database, clock } = this.#context
    const deleted: string[] = []
    await forEachBounded(files, AT_ONCE, async file => {
      const result = await database.commit({ statements: this.#store.delete(file, clock.now()) })
      if (result.ok) deleted.push(file.mediaId)
    })
    return { deleted_media: deleted, total: deleted.length }
  }

  async *#inRoom(roomNid: number): AsyncGenerator<Mxc[], void> {
    for (let after = BEGINNING; ; ) {
      const rows = await this.catalogue.inRoom(roomNid, after, BATCH)
      const events = await this.#events.byNids(rows.map(({ nid }) => nid))
      // Also what was redacted: who knows the name of a file could have it all the same.
      yield events.flatMap(({ event }) => filesShownBy(event.content))
      const last = rows.at(-1)
      if (last === undefined || rows.length < BATCH) return
      after = last.position
    }
  }
}

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'The file was not found')
