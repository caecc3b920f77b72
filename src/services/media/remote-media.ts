import { parseContentDisposition } from '../../core/content-disposition.ts'
import { MatrixError } from '../../core/errors.ts'
import { parseServerName } from '../../core/ids.ts'
import { contentTypeOf, formatMxc, type Mxc } from '../../core/media.ts'
import type { IncomingMedia } from '../../network/federation/media.ts'
import { type FederationClient, FederationError } from '../../network/federation-client.ts'
import { SilentServers } from '../../network/silent-servers.ts'
import { BlobTooLarge, StorageFull } from '../../storage/media/blob-store.ts'
import type { MediaRow, NewMedia } from '../../storage/media/media.ts'
import { BoundedPool, PoolFull } from '../accounts/bounded-pool.ts'
import { toClientError } from '../federation/outbound/client-errors.ts'
import type { MediaContext } from './context.ts'
import { Turns } from './turns.ts'
import { diskFull } from './uploads.ts'

/** How files come from other servers; of the federation client. */
export type FetchMedia = FederationClient['downloadMedia']

/** Requests at a time to one server, so that a slow one does not take all places. */
const PER_ORIGIN = 6
/** The same of all servers of a domain: whoever has one has as many as they like. */
const PER_DOMAIN = 12
/** Requests at a time that have no answer yet: while they wait, they take next to nothing. */
const ASKING = 400
/** Files at a time that are coming. */
const COMING = 64
const MAX_WAITING = 500

/** For one file, from connecting to the last byte; what pauses longer than a minute ends sooner. Milliseconds. */
const TRANSFER_MS = 10 * 60_000

const MAX_FILE_NAME = 1_000

/** Gets files of other servers, each once however many ask for it at the same time. */
export class RemoteMedia {
  readonly #context: MediaContext
  readonly #fetchMedia: FetchMedia
  readonly #underWay = new Map<string, Promise<MediaRow>>()
  readonly #asking = new BoundedPool(ASKING, MAX_WAITING)
  readonly #coming = new BoundedPool(COMING, MAX_WAITING)
  readonly #silent: SilentServers
  readonly #origins = new Turns(PER_ORIGIN, MAX_WAITING)
  readonly #domains = new Turns(PER_DOMAIN, MAX_WAITING)
  readonly #stopping = new AbortController()

  constructor(context: MediaContext, fetchMedia: FetchMedia) {
    this.#context = context
    this.#fetchMedia = fetchMedia
    this.#silent = new SilentServers(context.clock)
  }

  /**
   * Copies a file here. It goes on when those who asked have gone: the next will want it.
   *
   * @param waitMs how long the other server should wait for a file that is still to be uploaded.
   * @throws {MatrixError} as `Downloads.find`.
   */
  fetch(mxc: Mxc, waitMs: number): Promise<MediaRow> {
    const key = formatMxc(mxc)
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    const transfer = () => this.#domains.run(domainOf(mxc.origin), () => this.#transfer(mxc, waitMs))
    const fetching = this.#origins
      .run(mxc.origin, transfer)
      .catch(error => {
        throw clientError(error, this.#context.options.maxRemoteSize)
      })
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, fetching)
    return fetching
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#stopping.abort(new MatrixError('M_UNKNOWN', 'The server is being stopped', { status: 503 }))
    await Promise.allSettled(this.#underWay.values())
  }

  async #transfer(mxc: Mxc, waitMs: number): Promise<MediaRow> {
    const { read, write, database, clock } = this.#context
    let file: NewMedia | undefined
    try {
      await this.#receive(mxc, waitMs, async media => {
        file = await this.#store(mxc, media)
      })
    } catch (error) {
      // The message around the file did not end as it should.
      if (file) await database.commit({ statements: [write.discard([file.hash], clock.now())] })
      throw error
    }
    if (file) await database.commit({ statements: write.putRemote(file) })
    const row = await read.one(mxc.origin, mxc.mediaId)
    if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'The file was not found')
    return row
  }

  /** Servers that do not answer take no places from files that come. */
  async #receive(
    { origin, mediaId }: Mxc,
    waitMs: number,
    consume: (media: IncomingMedia) => Promise<void>,
  ): Promise<void> {
    const { maxRemoteSize: maxBytes } = this.#context.options
    const limits = { waitMs, maxBytes, timeoutMs: TRANSFER_MS, signal: this.#stopping.signal }
    const begun = Promise.withResolvers<void>()
    let receiving: Promise<void> | undefined
    await this.#asking.run(async () => {
      receiving = this.#silent.ask(origin, answered =>
        this.#fetchMedia(origin, mediaId, limits, media => {
          answered()
          begun.resolve()
          return this.#coming.run(() => consume(media))
        }),
      )
      await Promise.race([begun.promise, receiving])
    })
    await receiving
  }

  async #store(mxc: Mxc, media: IncomingMedia): Promise<NewMedia> {
    const { blobs, options, clock } = this.#context
    const blob = await blobs.put(media.body, options.maxRemoteSize)
    const fileName = nameIn(media.contentDisposition)
    return { ...mxc, ...blob, contentType: contentTypeOf(media.contentType), fileName, now: clock.now() }
  }
}

/** Below what many countries have names sold, in place of the country's own: `example.co.uk`. */
const SECTORS = /^(?:ac|co|com|edu|go|gob|gouv|gov|gv|id|ind|info|ltd|me|mil|ne|net|nom|or|org|plc|sch|web)$/

/** The end of a server's name, which somebody has paid for; an address stands for itself. */
const domainOf = (origin: string): string => {
  const { host = origin, kind } = parseServerName(origin) ?? {}
  if (kind !== 'dns') return host
  const labels = host.toLowerCase().split('.')
  const [sector = '', country = ''] = labels.slice(-2)
  return labels.slice(country.length === 2 && SECTORS.test(sector) ? -3 : -2).join('.')
}

/** "the remote server's `filename` in the `Content-Disposition` header is used" */
const nameIn = (header: string | undefined): string | undefined => {
  const name = header === undefined ? undefined : parseContentDisposition(header)?.fileName
  return name === undefined || name.length > MAX_FILE_NAME || /[\0\r\n]/.test(name) ? undefined : name
}

const clientError = (error: unknown, limit: number): unknown => {
  if (error instanceof StorageFull) return diskFull(error)
  if (error instanceof PoolFull) {
    return new MatrixError('M_LIMIT_EXCEEDED', 'Too many files are being fetched', {
      fields: { retry_after_ms: 5_000 },
    })
  }
  const isTooLarge =
    error instanceof BlobTooLarge ||
    (error instanceof FederationError && (error.kind === 'too-large' || error.errcode === 'M_TOO_LARGE'))
  if (isTooLarge) {
    // "returning a HTTP 502 error with the M_TOO_LARGE code"
    return new MatrixError('M_TOO_LARGE', `Files larger than ${limit} bytes are not fetched from others`, {
      status: 502,
      cause: error,
    })
  }
  if (error instanceof FederationError && error.errcode === 'M_NOT_YET_UPLOADED') {
    return new MatrixError('M_NOT_YET_UPLOADED', 'This file has not been uploaded yet', { cause: error })
  }
  return toClientError(error)
}
