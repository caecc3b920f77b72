import { LRUCache } from 'lru-cache'
import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import { essenceOf, formatMxc } from '../../../core/media.ts'
import type { IncomingResponse } from '../../../network/http-client.ts'
import type { PageFetcher } from '../../../network/page-fetcher.ts'
import { PreviewStore } from '../../../storage/media/previews.ts'
import { BoundedPool, PoolFull } from '../../accounts/bounded-pool.ts'
import { type MediaContext, newMediaId } from '../context.ts'
import { inspectPicture } from '../pictures.ts'
import { Turns } from '../turns.ts'
import { decodePage } from './charset.ts'
import { clientError } from './client-error.ts'
import { fileTitle, playableFile } from './files.ts'
import { readHead } from './html-head.ts'
import { type Embedded, OEMBED_TYPES, readOembed } from './oembed.ts'
import { summaryOf } from './page-summary.ts'

/** Sizes in bytes, durations in milliseconds. */
export interface PreviewOptions {
  readonly enabled: boolean
  readonly maxPageSize: number
  readonly maxImageSize: number
  readonly lifetime: number
}

const MAX_URL = 4_096

/** A page that was not to be had is not asked for again for so long, whoever sees the link. Milliseconds. */
const FAILED_MS = 300_000
const MAX_FAILED = 1_000

const AT_ONCE = 16
/** Of one site, so that a slow one does not take all places. */
const AT_ONCE_OF_SITE = 2
/** For one user, who may know of very many sites that are slow. */
const AT_ONCE_FOR_USER = 4
const MAX_WAITING = 200

/** What links lead to, as clients show it (`preview_url`). */
export class Previews {
  readonly #context: MediaContext
  readonly #options: PreviewOptions
  readonly #pages: PageFetcher
  readonly #store: PreviewStore
  readonly #pool = new BoundedPool(AT_ONCE, MAX_WAITING)
  readonly #sites = new Turns(AT_ONCE_OF_SITE, MAX_WAITING)
  readonly #users = new Turns(AT_ONCE_FOR_USER, MAX_WAITING)
  readonly #underWay = new Map<string, Promise<JsonObject>>()
  /** What users are waiting for. */
  readonly #turns = new Set<Promise<JsonObject>>()
  readonly #failed = new LRUCache<string, { readonly error: MatrixError; readonly until: number }>({
    max: MAX_FAILED,
  })

  constructor(context: MediaContext, options: PreviewOptions, pages: PageFetcher) {
    this.#context = context
    this.#options = options
    this.#pages = pages
    this.#store = new PreviewStore(context.database)
  }

  /**
   * The preview of a link, for a user: Open Graph members, with the picture as an `mxc://` URI. Empty where the page says nothing.
   *
   * @throws {MatrixError} `M_UNRECOGNIZED` where there are no previews; `M_INVALID_PARAM`, `M_FORBIDDEN` (not visited);
   * `M_CONNECTION_FAILED`, `M_CONNECTION_TIMEOUT`, `M_UNKNOWN` (502) where the page did not answer; `M_LIMIT_EXCEEDED`.
   */
  async get(userId: string, link: string): Promise<JsonObject> {
    if (!this.#options.enabled) throw new MatrixError('M_UNRECOGNIZED', 'There are no previews here')
    const url = link.length <= MAX_URL ? URL.parse(link) : null
    if (url === null) throw new MatrixError('M_INVALID_PARAM', 'This is no URL')
    if (!this.#pages.mayVisit(url))
      throw new MatrixError('M_FORBIDDEN', 'This server does not visit such addresses')
    url.hash = ''
    const known = await this.#known(url)
    if (known !== undefined) return known
    // Nobody waits for the turn of somebody else who wants the same.
    const turn = this.#users.run(userId, async () => (await this.#known(url)) ?? this.#once(url))
    this.#turns.add(turn)
    try {
      return await turn
    } catch (error) {
      throw clientError(error)
    } finally {
      this.#turns.delete(turn)
    }
  }

  async close(): Promise<void> {
    await this.#pages.close()
    await Promise.allSettled(this.#turns)
  }

  /** What was found before, or is just being found. @throws {MatrixError} where the page was not to be had a moment ago */
  async #known(url: URL): Promise<JsonObject | undefined> {
    const known = await this.#store.find(url.href, this.#context.clock.now())
    if (known !== undefined) return known
    const failed = this.#failed.get(url.href)
    if (failed !== undefined && failed.until > this.#context.clock.now()) throw failed.error
    return this.#underWay.get(url.href)
  }

  #once(url: URL): Promise<JsonObject> {
    const underWay = this.#underWay.get(url.href)
    if (underWay !== undefined) return underWay
    const making = this.#sites
      .run(url.hostname, () => this.#pool.run(() => this.#make(url)))
      .catch(cause => {
        const error = clientError(cause)
        const until = this.#context.clock.now() + FAILED_MS
        if (error instanceof MatrixError && !(cause instanceof PoolFull))
          this.#failed.set(url.href, { error, until })
        throw error
      })
      .finally(() => this.#underWay.delete(url.href))
    this.#underWay.set(url.href, making)
    return making
  }

  async #make(url: URL): Promise<JsonObject> {
    const { clock, database } = this.#context
    const preview = await this.#pages.get(
      url.href,
      'text/html,application/xhtml+xml,image/*;q=0.9,*/*;q=0.5',
      (page, at) => this.#describe(page, at),
    )
    const now = clock.now()
    const expires = now + this.#options.lifetime
    await database.commit({ statements: this.#store.put(url.href, preview, now, expires) })
    return preview
  }

  async #describe(response: IncomingResponse, url: URL): Promise<JsonObject> {
    const { status, headers } = response
    if (status < 200 || status > 299) {
      throw new MatrixError('M_UNKNOWN', `The page answers with status ${status}`, { status: 502 })
    }
    if (!['', 'identity'].includes(headers['content-encoding'] ?? '')) return {}
    const contentType = headers['content-type'] ?? ''
    const type = essenceOf(contentType)
    if (type.startsWith('image/')) {
      const image = await this.#keepImage(response)
      return image === undefined ? {} : { ...fileTitle(response, url), ...image }
    }
    const playable = playableFile(response, url)
    if (playable !== undefined) return { ...playable }
    if (type !== 'text/html' && type !== 'application/xhtml+xml') return {}
    return this.#summarise(decodePage(await this.#beginning(response), contentType), url)
  }

  async #beginning({ body }: IncomingResponse): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= this.#options.maxPageSize) break
    }
    return Buffer.concat(chunks).subarray(0, this.#options.maxPageSize)
  }

  async #summarise(html: string, url: URL): Promise<JsonObject> {
    const head = readHead(html)
    const { members, image } = summaryOf(head, await this.#embedded(head.alternates, url), url)
    return image === undefined ? members : { ...members, ...(await this.#image(image, url)) }
  }

  /** What the page's site offers for embedding; that is asked first, but a page says enough without it. */
  async #embedded(alternates: ReadonlyMap<string, string>, page: URL): Promise<Embedded | undefined> {
    const link = OEMBED_TYPES.map(type => alternates.get(type)).find(href => href !== undefined)
    const url = link === undefined ? null : URL.parse(link, page.href)
    if (url === null || !this.#pages.mayVisit(url)) return undefined
    try {
      return await this.#pages.get(url.href, 'application/json', async response =>
        response.status === 200 ? readOembed((await this.#beginning(response)).toString()) : undefined,
      )
    } catch (error) {
      this.#context.log.debug({ err: error }, 'what a page offers for embedding was not to be had')
      return undefined
    }
  }

  /** A preview without its picture is better than none. */
  async #image(link: string, page: URL): Promise<JsonObject> {
    const url = URL.parse(link, page.href)
    if (url === null || !this.#pages.mayVisit(url)) return {}
    try {
      return (
        (await this.#pages.get(url.href, 'image/*', async response =>
          response.status === 200 ? this.#keepImage(response) : undefined,
        )) ?? {}
      )
    } catch (error) {
      this.#context.log.debug({ err: error }, 'the picture of a preview was not to be had')
      return {}
    }
  }

  /** Stores a picture like a file of this server's; `undefined` for what is none, or too large. */
  async #keepImage({ body }: IncomingResponse): Promise<JsonObject | undefined> {
    const { blobs, write, database, clock, serverName: origin, options } = this.#context
    const blob = await blobs.put(body, this.#options.maxImageSize).catch(() => undefined)
    if (blob === undefined) return undefined
    const now = clock.now()
    try {
      const { width, height, contentType } = await blobs.withFile(blob.hash, path =>
        inspectPicture(path, options.maxThumbnailPixels),
      )
      const file = {
        ...blob,
        origin,
        mediaId: newMediaId(this.#context),
        contentType,
        fileName: undefined,
        now,
      }
      await database.commit({ statements: write.insert(file, 'preview', undefined) })
      return {
        'og:image': formatMxc(file),
        'og:image:type': contentType,
        'og:image:width': width,
        'og:image:height': height,
        'matrix:image:size': blob.size,
      }
    } catch (error) {
      this.#context.log.debug({ err: error }, 'the picture of a preview is none')
      await database.commit({ statements: [write.discard([blob.hash], now)] })
      return undefined
    }
  }
}
