import type { Readable } from 'node:stream'

/** Bytes that are stored: where they are found again, and how many they are. */
export interface StoredBlob {
  /** SHA-256 of the content in lower-case hexadecimal. Equal files are stored once. */
  readonly hash: string
  readonly size: number
}

/** A part of a file; both ends are included, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Where the bytes of files are kept. Content is never changed, only added and removed; who may see it, and what it is
 * called, stands in the database.
 *
 * Deleting is safe beside uploads of the same content: storing again what is there refreshes it, and `remove` spares
 * what was stored lately.
 */
export interface BlobStore {
  /**
   * Stores what comes, as it comes. Resolves once it is durable; when it rejects, nothing is left behind.
   *
   * @throws {BlobTooLarge} for more than `maxBytes`; {StorageFull}; and whatever `content` throws.
   */
  put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBlob>
  /** The bytes, or a part of them, which lies inside the file. @throws {BlobMissing} */
  open(hash: string, range?: ByteRange): Promise<Readable>
  /** Lends the content as a file of this machine. @throws {BlobMissing} */
  withFile<T>(hash: string, use: (path: string) => Promise<T>): Promise<T>
  /** Removes content that was last stored before an instant (milliseconds since 1970). Answers whether it is gone. */
  remove(hash: string, storedBefore: number): Promise<boolean>
  /** Removes what processes that died have left half-written before an instant. */
  sweep(begunBefore: number): Promise<void>
}

/** There is more content than may be stored. */
export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge'
}

/** The content is not there. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing'
}

/** The disk, or our share of it, is full. Nothing was stored. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull'
}

/** Guards the way from a hash to a path or a key: it is never anything but a hash. */
export const assertHash = (hash: string): void => {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new TypeError(`${hash} is no SHA-256 in hexadecimal`)
}
