import { LRUCache } from 'lru-cache'
import { formatContentDisposition } from '../../core/content-disposition.ts'
import { MatrixError } from '../../core/errors.ts'
import { BlobMissing, StorageFull } from '../../storage/media/blob-store.ts'
import { Thumbnails as Stored, type StoredThumbnail } from '../../storage/media/thumbnails.ts'
import { BoundedPool, PoolFull } from '../accounts/bounded-pool.ts'
import type { MediaContext } from './context.ts'
import type { Downloads, MediaFile, StoredMedia, Wanted } from './downloads.ts'
import { makeThumbnail, NoPicture, TooManyPixels } from './pictures.ts'
import { specFor, specName, type ThumbnailMethod, type ThumbnailSpec } from './thumbnail-sizes.ts'
import { Turns } from './turns.ts'
import { diskFull } from './uploads.ts'

/** What a client asks for. */
export interface ThumbnailRequest {
  readonly width: number
  readonly height: number
  /** `scale` if not given. */
  readonly method?: ThumbnailMethod | undefined
  readonly animated?: boolean | undefined
}

/** Decoding large pictures takes memory: few at a time. */
const AT_ONCE = 3
/** Of pictures of one user, or of another server: a few that take long must not have everybody wait. */
const AT_ONCE_OF_OWNER = 2
const MAX_WAITING = 400

/** Of one picture. */
const KEPT = 40

/** A file of which none can be made is not tried again for so long: that may take its whole time anew. Milliseconds. */
const HOPELESS_MS = 10 * 60_000
const MAX_HOPELESS = 1_000

/** Larger files than this are no photos. Bytes. */
const MAX_SOURCE = 200 * 1_048_576

/** Thumbnails of stored pictures, made when they are first asked for and then kept. */
export class Thumbnails {
  readonly #context: MediaContext
  readonly #downloads: Downloads
  readonly #stored: Stored
  readonly #pool = new BoundedPool(AT_ONCE, MAX_WAITING)
  readonly #turns = new Turns(AT_ONCE_OF_OWNER, MAX_WAITING)
  readonly #underWay = new Map<string, Promise<StoredThumbnail>>()
  /** Why, and until when, by content. */
  readonly #hopeless = new LRUCache<string, { readonly error: Error; readonly until: number }>({
    max: MAX_HOPELESS,
  })

  constructor(context: MediaContext, downloads: Downloads) {
    this.#context = context
    this.#downloads = downloads
    this.#stored = new Stored(context.database)
  }

  /**
   * A thumbnail ready to be sent; of small pictures, the picture itself.
   *
   * @throws {MatrixError} as `Downloads.find`; `M_INVALID_PARAM`; `M_UNKNOWN` (400) for what is no picture;
   * `M_TOO_LARGE` (413, or 502 for files of others) for too many pixels; `M_LIMIT_EXCEEDED`.
   */
  async get(wanted: Wanted, request: ThumbnailRequest): Promise<MediaFile> {
    const { width, height, method = 'scale', animated = false } = request
    if (width < 1 || height < 1) {
      throw new MatrixError('M_INVALID_PARAM', 'Width and height must be at least 1')
    }
    const media = await this.#downloads.find(wanted)
    const spec = specFor({ width, height, method, animated })
    const make = (): Promise<StoredThumbnail> =>
      this.#once(media, spec, wanted).catch(error => {
        throw this.#refusal(error, media)
      })
    const made = await make()
    const extension = made.contentType.slice('image/'.length)
    const disposition = formatContentDisposition('inline', `thumbnail.${extension}`)
    return this.#downloads.file({ ...made, disposition }, async () => {
      await this.#context.database.commit({ statements: [this.#stored.forget(media.hash, specName(spec))] })
      return (await make()).hash === made.hash
    })
  }

  /** Waits for what is being made. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
  }

  async #once(media: StoredMedia, spec: ThumbnailSpec, wanted: Wanted): Promise<StoredThumbnail> {
    const name = specName(spec)
    const stored = await this.#stored.find(media.hash, name)
    if (stored !== undefined) return stored
    const key = `${media.hash} ${name}`
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    const { clock } = this.#context
    const hopeless = this.#hopeless.get(media.hash)
    if (hopeless !== undefined && hopeless.until > clock.now()) throw hopeless.error
    const making = this.#turns
      .run(media.userId ?? media.origin, () => this.#pool.run(() => this.#make(media, spec, wanted)))
      .catch(error => {
        if (error instanceof NoPicture || error instanceof TooManyPixels)
          this.#hopeless.set(media.hash, { error, until: clock.now() + HOPELESS_MS })
        throw error
      })
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, making)
    return making
  }

  async #make({ hash, size }: StoredMedia, spec: ThumbnailSpec, wanted: Wanted): Promise<StoredThumbnail> {
    const { blobs, options, database, clock } = this.#context
    if (size > MAX_SOURCE) throw new TooManyPixels('the file is too large')
    const draw = () => blobs.withFile(hash, path => makeThumbnail(path, spec, options.maxThumbnailPixels))
    const picture = await draw().catch(async error => {
      if (error instanceof BlobMissing && (await this.#downloads.recover(wanted, hash))) return draw()
      throw error
    })
    const { contentType } = picture
    const blob =
      picture.kind === 'original'
        ? { hash, size }
        : await blobs.put(piece(picture.bytes), picture.bytes.length)
    const made = { ...blob, contentType }
    await database.commit({
      statements: this.#stored.insert(hash, specName(spec), made, clock.now(), KEPT),
    })
    return made
  }

  #refusal(error: unknown, { origin, kind }: StoredMedia): unknown {
    if (error instanceof TooManyPixels) {
      return new MatrixError('M_TOO_LARGE', 'The picture is too large for a thumbnail', {
        status: kind === 'remote' && origin !== this.#context.serverName ? 502 : 413,
        cause: error,
      })
    }
    if (error instanceof NoPicture) {
      return new MatrixError('M_UNKNOWN', 'There are no thumbnails of such files', {
        status: 400,
        cause: error,
      })
    }
    if (error instanceof PoolFull) {
      return new MatrixError('M_LIMIT_EXCEEDED', 'Too many thumbnails are being made', {
        fields: { retry_after_ms: 2_000 },
      })
    }
    if (error instanceof StorageFull) return diskFull(error)
    return error instanceof BlobMissing ? new MatrixError('M_NOT_FOUND', 'The file was not found') : error
  }
}

async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
