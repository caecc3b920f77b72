import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BlobTooLarge, StorageFull, type StoredBlob } from './blob-store.ts'

export const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

/** A full disk, told from other failures. */
export const fullOr = (error: unknown): unknown => {
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new StorageFull('the disk for media is full', { cause: error })
    : error
}

/** Files that are being written, until they have their names, or are lent for a while. */
export class Spool {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Writes what comes into a file and lends it, with its hash; whatever `use` leaves there is removed.
   *
   * @throws {BlobTooLarge} for more than `maxBytes`; and what `content` and `use` throw.
   */
  async fill<T>(
    content: AsyncIterable<Uint8Array>,
    maxBytes: number,
    use: (file: {
      readonly path: string
      readonly handle: FileHandle
      readonly blob: StoredBlob
    }) => Promise<T>,
  ): Promise<T> {
    const path = join(this.#directory, randomUUID())
    const handle = await this.#create(path)
    try {
      return await use({ path, handle, blob: await fill(handle, content, maxBytes) })
    } finally {
      await handle.close()
      await unlink(path).catch(() => {})
    }
  }

  /** Removes what processes that died have left before an instant (milliseconds since 1970). */
  async sweep(begunBefore: number): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const path = join(this.#directory, name)
      const begun = await stat(path).catch(() => undefined)
      if (begun !== undefined && begun.mtimeMs < begunBefore) await unlink(path).catch(() => {})
    }
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
