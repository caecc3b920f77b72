import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, rename, stat, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { assertHash, BlobMissing, type BlobStore, type ByteRange, type StoredBlob } from './blob-store.ts'
import { codeOf, fullOr, Spool } from './spool.ts'

/** What is being written, until it has its name. On the same file system, so that renaming is atomic. */
const INCOMING = 'incoming'

const READ_CHUNK = 262_144

const translated = (error: unknown): unknown =>
  codeOf(error) === 'ENOENT' ? new BlobMissing('the file is not there', { cause: error }) : fullOr(error)

/** What a file holds. */
const blobOf = async (path: string): Promise<StoredBlob> => {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK })) {
    hash.update(chunk as Uint8Array)
    size += (chunk as Uint8Array).length
  }
  return { hash: hash.digest('hex'), size }
}

/** A change of a directory lasts only once the directory itself is on disk. */
const syncDirectory = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Files in a directory: `ab/cd/<the rest of the hash>`. They are written beside, synced, and only then get their
 * names, so that every name leads to the whole content, whenever the power fails.
 */
export class DirectoryStore implements BlobStore {
  readonly #root: string
  readonly #spool: Spool
  readonly #now: () => number

  constructor(root: string, now: () => number) {
    this.#root = root
    this.#spool = new Spool(join(root, INCOMING))
    this.#now = now
  }

  async put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
    try {
      return await this.#spool.fill(content, maxBytes, async ({ path, handle, blob }) => {
        if (await this.#refresh(blob)) return blob
        await handle.sync()
        await this.#publish(path, blob.hash)
        return blob
      })
    } catch (error) {
      throw translated(error)
    }
  }

  /**
   * Takes a file of the same file system over as it is: both names lead to the same bytes from then on, which nobody may change.
   * @throws the system's error, such as that of two file systems; {StorageFull}
   */
  async adopt(path: string): Promise<StoredBlob> {
    const blob = await blobOf(path)
    if (await this.#refresh(blob)) return blob
    const aside = join(this.#root, INCOMING, randomUUID())
    await mkdir(dirname(aside), { recursive: true, mode: 0o750 })
    await link(path, aside)
    await this.#publish(aside, blob.hash)
    return blob
  }

  async open(hash: string, range?: ByteRange): Promise<Readable> {
    const handle = await open(this.#pathOf(hash), 'r').catch(error => {
      throw translated(error)
    })
    // The stream closes the handle, however it ends.
    return handle.createReadStream({ ...range, highWaterMark: READ_CHUNK })
  }

  async withFile<T>(hash: string, use: (path: string) => Promise<T>): Promise<T> {
    const path = this.#pathOf(hash)
    await stat(path).catch(error => {
      throw translated(error)
    })
    return use(path)
  }

  async remove(hash: string, storedBefore: number): Promise<boolean> {
    const path = this.#pathOf(hash)
    try {
      if ((await stat(path)).mtimeMs >= storedBefore) return false
      // Put aside before it is looked at for the last time: from then on nobody takes it for stored, and who did before has made it new.
      const aside = join(this.#root, INCOMING, randomUUID())
      await mkdir(dirname(aside), { recursive: true, mode: 0o750 })
      await rename(path, aside)
      if ((await stat(aside)).mtimeMs >= storedBefore) {
        await this.#publish(aside, hash)
        return false
      }
      await unlink(aside)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    return true
  }

  async sweep(begunBefore: number): Promise<void> {
    await this.#spool.sweep(begunBefore)
  }

  #pathOf(hash: string): string {
    assertHash(hash)
    return join(this.#root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  }

  /** Whether the content is there already; if so, it counts as stored now. */
  async #refresh({ hash, size }: StoredBlob): Promise<boolean> {
    const path = this.#pathOf(hash)
    try {
      if ((await stat(path)).size !== size) return false
      const seconds = this.#now() / 1000
      await utimes(path, seconds, seconds)
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }

  async #publish(temporary: string, hash: string): Promise<void> {
    const path = this.#pathOf(hash)
    const directory = dirname(path)
    const first = await mkdir(directory, { recursive: true, mode: 0o750 })
    const seconds = this.#now() / 1000
    await utimes(temporary, seconds, seconds)
    await rename(temporary, path)
    await syncDirectory(directory)
    // Of new directories the parents have changed, up to the one that was there.
    if (first === undefined) return
    for (let each = directory; each.length >= first.length; each = dirname(each)) {
      await syncDirectory(dirname(each))
    }
  }
}
