import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import {
  assertHash,
  BlobMissing,
  type BlobStore,
  BlobTooLarge,
  type ByteRange,
  StorageFull,
  type StoredBlob,
} from './blob-store.ts'

/** What is being written, until it has its name. On the same file system, so that renaming is atomic. */
const INCOMING = 'incoming'

const READ_CHUNK = 262_144

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const translated = (error: unknown): unknown => {
  const code = codeOf(error)
  if (code === 'ENOENT') return new BlobMissing('the file is not there', { cause: error })
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new StorageFull('the disk for media is full', { cause: error })
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
  readonly #now: () => number

  constructor(root: string, now: () => number) {
    this.#root = root
    this.#now = now
  }

  async put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob> {
    const temporary = join(this.#root, INCOMING, randomUUID())
    try {
      const handle = await this.#create(temporary)
      try {
        const blob = await fill(handle, content, maxBytes)
        if (await this.#refresh(blob)) {
          await unlink(temporary)
          return blob
        }
        await handle.sync()
        await this.#publish(temporary, blob.hash)
        return blob
      } finally {
        await handle.close()
      }
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw translated(error)
    }
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
      await unlink(path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    return true
  }

  async sweep(begunBefore: number): Promise<void> {
    const incoming = join(this.#root, INCOMING)
    const names = await readdir(incoming).catch(() => [])
    for (const name of names) {
      const path = join(incoming, name)
      const begun = await stat(path).catch(() => undefined)
      if (begun !== undefined && begun.mtimeMs < begunBefore) await unlink(path).catch(() => {})
    }
  }

  #pathOf(hash: string): string {
    assertHash(hash)
    return join(this.#root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  }

  async #create(path: string): Promise<FileHandle> {
    try {
      return await open(path, 'wx', 0o600)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await mkdir(dirname(path), { recursive: true, mode: 0o750 })
      return open(path, 'wx', 0o600)
    }
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

/** Writes it all, hashing on the way. */
const fill = async (
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<StoredBlob> => {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of content) {
    size += chunk.length
    if (size > maxBytes) throw new BlobTooLarge(`more than ${maxBytes} bytes`)
    hash.update(chunk)
    await writeAll(handle, chunk)
  }
  return { hash: hash.digest('hex'), size }
}

/** One write may take less than it was given, as when the disk is nearly full. */
const writeAll = async (handle: FileHandle, chunk: Uint8Array): Promise<void> => {
  for (let written = 0; written < chunk.length; ) {
    written += (await handle.write(chunk, written)).bytesWritten
  }
}
