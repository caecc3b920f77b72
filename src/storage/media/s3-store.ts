import type { Readable } from 'node:stream'
import { assertHash, BlobMissing, type BlobStore, type ByteRange, type StoredBlob } from './blob-store.ts'
import { fullOr, Spool } from './spool.ts'

/** What of an S3 store's client is needed here. */
export interface ObjectStore {
  putFile(
    key: string,
    file: { readonly path: string; readonly hash: string; readonly size: number },
    metadata: Readonly<Record<string, string>>,
  ): Promise<void>
  setMetadata(key: string, metadata: Readonly<Record<string, string>>): Promise<boolean>
  head(
    key: string,
  ): Promise<{ readonly size: number; readonly metadata: Readonly<Record<string, string>> } | undefined>
  get(key: string, range?: ByteRange): Promise<Readable | undefined>
  delete(key: string): Promise<void>
}

/** Of the metadata: when the content was last stored. Milliseconds since 1970. */
const STORED = 'stored'

/**
 * Objects of an S3 store, by their hash: `<prefix>ab/cd/<the rest>`. Content is spooled on this machine's disk on its
 * way, since its name is its hash; the store has the whole of it before anybody is told.
 */
export class S3Store implements BlobStore {
  readonly #objects: ObjectStore
  readonly #prefix: string
  readonly #spool: Spool
  readonly #now: () => number

  constructor(
    objects: ObjectStore,
    { prefix, spool, now }: { prefix: string; spool: string; now: () => number },
  ) {
    this.#objects = objects
    this.#prefix = prefix
    this.#spool = new Spool(spool)
    this.#now = now
  }

  async put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
    try {
      return await this.#spool.fill(content, maxBytes, async ({ path, blob }) => {
        const key = this.#keyOf(blob.hash)
        const metadata = { [STORED]: String(this.#now()) }
        const known = await this.#objects.head(key)
        const isRefreshed = known?.size === blob.size && (await this.#objects.setMetadata(key, metadata))
        if (!isRefreshed) await this.#objects.putFile(key, { path, ...blob }, metadata)
        return blob
      })
    } catch (error) {
      throw fullOr(error)
    }
  }

  async open(hash: string, range?: ByteRange): Promise<Readable> {
    const body = await this.#objects.get(this.#keyOf(hash), range)
    if (body === undefined) throw new BlobMissing('the file is not there')
    return body
  }

  async withFile<T>(hash: string, use: (path: string) => Promise<T>): Promise<T> {
    const body = await this.open(hash)
    return this.#spool.fill(body, Number.MAX_SAFE_INTEGER, ({ path }) => use(path))
  }

  async remove(hash: string, storedBefore: number): Promise<boolean> {
    const key = this.#keyOf(hash)
    const known = await this.#objects.head(key)
    if (known === undefined) return true
    if (Number(known.metadata[STORED] ?? 0) >= storedBefore) return false
    await this.#objects.delete(key)
    return true
  }

  async sweep(begunBefore: number): Promise<void> {
    await this.#spool.sweep(begunBefore)
  }

  #keyOf(hash: string): string {
    assertHash(hash)
    return `${this.#prefix}${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
  }
}
