import type { Readable } from 'node:stream'
import { formatContentDisposition } from '../../core/content-disposition.ts'
import { deniedServers } from '../../core/denied-servers.ts'
import { MatrixError } from '../../core/errors.ts'
import { isServerName } from '../../core/ids.ts'
import { essenceOf, isMediaId, mayBeInline, servedContentType } from '../../core/media.ts'
import { BlobMissing, type ByteRange } from '../../storage/media/blob-store.ts'
import { ACCESS_PRECISION_MS, type MediaRow } from '../../storage/media/media.ts'
import type { Arrivals } from './arrivals.ts'
import type { MediaContext } from './context.ts'
import type { RemoteMedia } from './remote-media.ts'

/** Which file somebody wants, and how. */
export interface Wanted {
  readonly origin: string
  readonly mediaId: string
  /** How long they wait for a file that is still to be uploaded. Milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Whether it may be fetched from its origin; `true` if not given. */
  readonly allowRemote?: boolean | undefined
  /** Asked for without an access token, through an endpoint that is frozen. */
  readonly isLegacy?: boolean
  /** Asked for by an administrator who wants to see also what is hidden. */
  readonly evenHidden?: boolean
  readonly signal?: AbortSignal | undefined
}

/** A row with content. */
export type StoredMedia = MediaRow & { readonly hash: string }

/** A file as it goes out. */
export interface MediaFile {
  readonly size: number
  readonly contentType: string
  /** The whole `Content-Disposition` header. */
  readonly disposition: string
  /** Changes with the content; in the form of the header. */
  readonly etag: string
  /** @throws {MatrixError} `M_NOT_FOUND` */
  open(range?: ByteRange): Promise<Readable>
}

/** "The content repository SHOULD impose a maximum value for this parameter." */
const MAX_WAIT_MS = 60_000
const DEFAULT_WAIT_MS = 20_000
/** Of other servers: one that says nothing for long is taken for one that is gone. */
const MAX_REMOTE_WAIT_MS = 20_000

/** Once in so long it is logged that content is missing: after a restore without the files nearly all of it is. Milliseconds. */
const TELL_MISSING_MS = 60_000

/** Finds files: those of this server, and those of others by way of their copies here. */
export class Downloads {
  readonly #context: MediaContext
  readonly #arrivals: Arrivals
  readonly #remote: RemoteMedia
  /** Servers whose files are not shown here. */
  readonly #isUnwanted: (serverName: string) => boolean
  readonly #noting = new Set<Promise<void>>()
  /** What was found missing since that was logged last. */
  #missing = { toldTs: Number.NEGATIVE_INFINITY, more: 0 }

  constructor(context: MediaContext, arrivals: Arrivals, remote: RemoteMedia) {
    this.#context = context
    this.#arrivals = arrivals
    this.#remote = remote
    this.#isUnwanted = deniedServers(context.options.denyServers ?? [])
  }

  /**
   * What is known about a file whose content is here, once it is.
   *
   * @throws {MatrixError} `M_NOT_FOUND` (also for what is quarantined, frozen, or of servers that the operator denies), `M_NOT_YET_UPLOADED`; and for files
   * of others `M_TOO_LARGE` (502), `M_CONNECTION_FAILED`, `M_CONNECTION_TIMEOUT`, `M_FORBIDDEN`.
   */
  async find(wanted: Wanted): Promise<StoredMedia> {
    const { origin, mediaId } = wanted
    // "homeservers MUST sanitise `mxc://` URIs"
    if (!isServerName(origin) || !isMediaId(mediaId)) {
      throw new MatrixError('M_INVALID_PARAM', 'This is not the name of a file')
    }
    const isOurs = origin === this.#context.serverName
    if (!isOurs && this.#isUnwanted(origin)) throw notFound()
    const row = isOurs ? await this.#local(wanted) : await this.#copy(wanted)
    if (row?.hash === undefined || isHidden(wanted, row) || this.#isFrozen(wanted, row)) {
      throw notFound()
    }
    this.#note(row)
    return { ...row, hash: row.hash }
  }

  /** A file ready to be sent. @param fileName instead of the one it was uploaded with. */
  async download(wanted: Wanted, fileName?: string): Promise<MediaFile> {
    const { contentType, size, hash, ...row } = await this.find(wanted)
    const type = mayBeInline(contentType) ? 'inline' : 'attachment'
    const facts = {
      hash,
      size,
      contentType: servedContentType(contentType),
      disposition: formatContentDisposition(type, fileName ?? row.fileName),
    }
    return this.file(facts, () => this.recover(wanted, hash))
  }

  /**
   * Fetches a file of another server once more whose copy is lost, as after a restore without the copies. Answers whether the
   * content is here again.
   */
  async recover(wanted: Wanted, hash: string): Promise<boolean> {
    const { origin, mediaId } = wanted
    if (origin === this.#context.serverName || !this.#mayFetch(wanted)) return false
    return (await this.#remote.fetch({ origin, mediaId }, DEFAULT_WAIT_MS)).hash === hash
  }

  /**
   * Stored content in the shape in which it goes out.
   * @param recover may bring back what turns out to be lost; answers whether it is there again
   */
  file(
    facts: Pick<MediaFile, 'size' | 'contentType' | 'disposition'> & { hash: string },
    recover: () => Promise<boolean>,
  ): MediaFile {
    const { blobs } = this.#context
    const { hash, size, contentType, disposition } = facts
    return {
      size,
      contentType,
      disposition,
      etag: `"${hash.slice(0, 32)}-${essenceOf(contentType)}"`,
      open: async range => {
        try {
          return await blobs.open(hash, range)
        } catch (error) {
          if (!(error instanceof BlobMissing)) throw error
          this.#tellMissing(error, hash)
          if (!(await recover())) throw notFound()
          return blobs.open(hash, range)
        }
      },
    }
  }

  /** Waits for what is still to be written down. */
  async close(): Promise<void> {
    await Promise.all(this.#noting)
  }

  async #local(wanted: Wanted): Promise<MediaRow> {
    const { mediaId, origin, timeoutMs = DEFAULT_WAIT_MS, signal } = wanted
    const look = async (): Promise<MediaRow | undefined> => {
      const row = await this.#context.read.one(origin, mediaId)
      if (row === undefined || isHidden(wanted, row)) throw notFound()
      if (row.hash !== undefined) return row
      if ((row.expiresTs ?? 0) <= this.#context.clock.now()) throw notFound()
      return undefined
    }
    const row = await this.#arrivals.wait(
      mediaId,
      Math.min(Math.max(0, timeoutMs), MAX_WAIT_MS),
      look,
      signal,
    )
    if (row === undefined) throw new MatrixError('M_NOT_YET_UPLOADED', 'This file has not been uploaded yet')
    return row
  }

  async #copy(wanted: Wanted): Promise<MediaRow | undefined> {
    const { origin, mediaId, timeoutMs = DEFAULT_WAIT_MS } = wanted
    const row = await this.#context.read.one(origin, mediaId)
    if (row?.hash !== undefined || row?.quarantinedTs !== undefined) return row
    if (!this.#mayFetch(wanted)) return row
    return this.#remote.fetch({ origin, mediaId }, Math.min(Math.max(0, timeoutMs), MAX_REMOTE_WAIT_MS))
  }

  /** A copy that is made now would be newer than the freeze. */
  #mayFetch({ allowRemote = true, isLegacy }: Wanted): boolean {
    return allowRemote && (isLegacy !== true || this.#context.options.legacyEndpoints)
  }

  /** "media uploaded *before* the freeze remains accessible" */
  #isFrozen({ isLegacy, origin, mediaId }: Wanted, { createdTs }: MediaRow): boolean {
    const { legacyEndpoints, legacyBefore = 0, alwaysLegacy = [] } = this.#context.options
    if (isLegacy !== true || legacyEndpoints || createdTs < legacyBefore) return false
    return !alwaysLegacy.includes(`mxc://${origin}/${mediaId}`)
  }

  #tellMissing(error: BlobMissing, hash: string): void {
    const { clock, log } = this.#context
    const { toldTs, more } = this.#missing
    const now = clock.now()
    const isTold = now - toldTs < TELL_MISSING_MS
    this.#missing = isTold ? { toldTs, more: more + 1 } : { toldTs: now, more: 0 }
    const fields = { err: error, hash, ...(isTold || more === 0 ? {} : { more }) }
    log[isTold ? 'debug' : 'error'](fields, 'the content of a file is missing')
  }

  #note({ origin, mediaId, accessedTs }: MediaRow): void {
    const { clock, database, write, log } = this.#context
    const now = clock.now()
    if (now - accessedTs < ACCESS_PRECISION_MS) return
    const noted = database
      .commit({ statements: [write.accessed(origin, mediaId, now)] })
      .then(
        () => {},
        error => log.warn({ err: error }, 'that a file was asked for could not be noted'),
      )
      .finally(() => this.#noting.delete(noted))
    this.#noting.add(noted)
  }
}

const isHidden = ({ evenHidden = false }: Wanted, { quarantinedTs }: MediaRow): boolean =>
  quarantinedTs !== undefined && !evenHidden

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'The file was not found')
