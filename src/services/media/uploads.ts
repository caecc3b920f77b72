import { MatrixError } from '../../core/errors.ts'
import { contentTypeOf, formatMxc } from '../../core/media.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { BlobTooLarge, StorageFull, type StoredBlob } from '../../storage/media/blob-store.ts'
import { EXPECTED, type MediaRow, type NewMedia, PENDING, QUOTA } from '../../storage/media/media.ts'
import { RECENT, RecentUploads } from '../../storage/media/recent-uploads.ts'
import type { Arrivals } from './arrivals.ts'
import { type MediaContext, newMediaId } from './context.ts'

/** A file as a client sends it. */
export interface Upload {
  readonly content: AsyncIterable<Uint8Array>
  /** As declared, in bytes; what comes is counted all the same. */
  readonly contentLength?: number | undefined
  readonly contentType?: string | undefined
  readonly fileName?: string | undefined
}

/** A name is sent back in a header: a few of the longest that file systems know. */
const MAX_FILE_NAME = 1_000

/** No quota is a very large one. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** Takes files from users (client-server API, `/upload` and `/create`). */
export class Uploads {
  readonly #context: MediaContext
  readonly #arrivals: Arrivals
  readonly #recent: RecentUploads

  constructor(context: MediaContext, arrivals: Arrivals) {
    this.#context = context
    this.#arrivals = arrivals
    this.#recent = new RecentUploads(context.database)
  }

  /**
   * Stores a file under a new name. It is on disk when this resolves.
   *
   * @returns its `mxc://` URI.
   * @throws {MatrixError} `M_TOO_LARGE`, `M_FORBIDDEN` (quota, limits of a time), `M_INVALID_PARAM`; status 507 where the disk is full.
   */
  async upload(userId: string, upload: Upload): Promise<string> {
    const { serverName: origin, write } = this.#context
    const facts = await this.#admit(userId, upload)
    const blob = await this.#store(upload)
    const file = { origin, mediaId: newMediaId(this.#context), ...facts, ...blob, now: this.#now() }
    await this.#commit(userId, file, write.insert(file, 'upload', userId))
    return formatMxc(file)
  }

  /**
   * Reserves a name for a file that is uploaded later.
   *
   * @throws {MatrixError} `M_LIMIT_EXCEEDED`: so many are waiting already.
   */
  async create(userId: string): Promise<{ content_uri: string; unused_expires_at: number }> {
    const { serverName: origin, options, write, database } = this.#context
    const now = this.#now()
    const mediaId = newMediaId(this.#context)
    const expiresTs = now + options.pendingLifetime
    const row = { origin, mediaId, userId, now, expiresTs, limit: options.maxPendingUploads }
    const result = await database.commit({ statements: [write.reserve(row)] })
    if (!result.ok && result.guard === PENDING) {
      throw new MatrixError(
        'M_LIMIT_EXCEEDED',
        'Too many files have been announced and not uploaded: upload those first',
      )
    }
    return { content_uri: formatMxc(row), unused_expires_at: expiresTs }
  }

  /**
   * Stores a file under a reserved name, once.
   *
   * @throws {MatrixError} `M_NOT_FOUND`, `M_FORBIDDEN`, `M_CANNOT_OVERWRITE_MEDIA`; and as `upload` does.
   */
  async fill(userId: string, origin: string, mediaId: string, upload: Upload): Promise<void> {
    await this.#expected(userId, origin, mediaId)
    const facts = await this.#admit(userId, upload)
    const blob = await this.#store(upload)
    const file = { origin, mediaId, ...facts, ...blob, now: this.#now() }
    await this.#commit(userId, file, this.#context.write.fill(file, userId))
    this.#arrivals.arrived(mediaId)
  }

  /** What can be said before the content comes. */
  async #admit(userId: string, upload: Upload): Promise<Pick<NewMedia, 'contentType' | 'fileName'>> {
    const { options, read } = this.#context
    const { contentLength = 0, contentType, fileName } = upload
    if (contentLength > options.maxUploadSize) throw this.#tooLarge()
    if (fileName !== undefined && (fileName.length > MAX_FILE_NAME || /[\0\r\n]/.test(fileName))) {
      throw new MatrixError('M_INVALID_PARAM', 'The file name is too long, or has line breaks in it')
    }
    if (options.userQuota !== undefined) {
      const { bytes } = await read.usage(userId)
      if (bytes + contentLength > options.userQuota) throw quotaReached()
    }
    for (const { within, size } of options.uploadLimits ?? []) {
      const bytes = await this.#recent.bytes(userId, this.#now() - within)
      if (bytes + contentLength > size) throw tooMuchLately()
    }
    return { contentType: contentTypeOf(contentType), fileName: fileName?.toWellFormed() || undefined }
  }

  async #expected(userId: string, origin: string, mediaId: string): Promise<MediaRow> {
    const { serverName, read } = this.#context
    const row = origin === serverName ? await read.one(origin, mediaId) : undefined
    const isOpen = row?.hash !== undefined || (row?.expiresTs ?? 0) > this.#now()
    if (row === undefined || !isOpen || row.kind !== 'upload') {
      throw new MatrixError('M_NOT_FOUND', 'There is no such file to be uploaded')
    }
    if (row.userId !== userId) throw new MatrixError('M_FORBIDDEN', 'Somebody else announced this file')
    if (row.hash !== undefined) {
      throw new MatrixError('M_CANNOT_OVERWRITE_MEDIA', 'This file has been uploaded already')
    }
    return row
  }

  async #store({ content, contentLength }: Upload): Promise<StoredBlob> {
    const { blobs, options } = this.#context
    try {
      const limit = Math.min(options.maxUploadSize, contentLength ?? options.maxUploadSize)
      return await blobs.put(content, limit)
    } catch (error) {
      if (error instanceof BlobTooLarge) throw this.#tooLarge()
      if (error instanceof StorageFull) throw diskFull(error)
      throw error
    }
  }

  async #commit(
    userId: string,
    file: NewMedia,
    statements: ReturnType<MediaContext['write']['insert']>,
  ): Promise<void> {
    const { options, write, database } = this.#context
    const quota = options.userQuota ?? UNLIMITED
    const result =
      file.size > quota
        ? ({ ok: false, guard: QUOTA } as const)
        : await database.commit({
            statements: [...statements, write.charge(userId, file.size, quota), ...this.#lately(userId)],
          })
    if (result.ok) return
    await database.commit({ statements: [write.discard([file.hash], this.#now())] })
    if (result.guard === QUOTA) throw quotaReached()
    if (result.guard === RECENT) throw tooMuchLately()
    await this.#expected(userId, file.origin, file.mediaId)
    throw new Error(`the upload of ${file.mediaId} was refused by ${EXPECTED}, and nothing says why`)
  }

  /** Holds where the user's limits do, the file that is just being stored included. */
  #lately(userId: string): WriteStatement[] {
    return (this.#context.options.uploadLimits ?? []).map(({ within, size }) =>
      this.#recent.within(userId, this.#now() - within, size),
    )
  }

  #tooLarge(): MatrixError {
    return new MatrixError(
      'M_TOO_LARGE',
      `Files larger than ${this.#context.options.maxUploadSize} bytes cannot be uploaded here`,
    )
  }

  #now(): number {
    return this.#context.clock.now()
  }
}

const quotaReached = (): MatrixError =>
  new MatrixError('M_FORBIDDEN', 'Your files take all the space that you have here')

const tooMuchLately = (): MatrixError =>
  new MatrixError('M_FORBIDDEN', 'You have uploaded as much as you may for now: try again later')

/** The disk for media is full: uploads fail, everything else goes on. */
export const diskFull = (cause: unknown): MatrixError =>
  new MatrixError('M_UNKNOWN', 'This server has no space left for files', { status: 507, cause })
