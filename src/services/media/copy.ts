import type { Database } from '../../storage/database.ts'
import { BlobList } from '../../storage/media/blob-list.ts'
import { BlobMissing, type BlobStore } from '../../storage/media/blob-store.ts'
import { forEachBounded } from '../bounded.ts'

/** What a copy has done. */
export interface Copied {
  readonly files: number
  readonly bytes: number
  /** Content that something refers to and that the first store does not have. */
  readonly missing: number
}

const PAGE = 500
const AT_ONCE = 4

/**
 * Copies the content of all files and thumbnails from one store to another; what is there already is only refreshed. A
 * server may go on meanwhile: what it stores after the end of a copy is taken along by the next.
 *
 * @param onProgress is told now and then how far it is.
 */
export const copyBlobs = async (
  database: Database,
  { from, to }: { readonly from: BlobStore; readonly to: BlobStore },
  onProgress: (copied: Copied) => void,
): Promise<Copied> => {
  const list = new BlobList(database)
  const copied = { files: 0, bytes: 0, missing: 0 }
  for (let after = ''; ; ) {
    const hashes = await list.after(after, PAGE)
    if (hashes.length === 0) return copied
    await forEachBounded(hashes, AT_ONCE, async hash => {
      try {
        const blob = await to.put(await from.open(hash), Number.MAX_SAFE_INTEGER)
        if (blob.hash !== hash) throw new Error(`the content of ${hash} is damaged: it is ${blob.hash} now`)
        copied.files++
        copied.bytes += blob.size
      } catch (error) {
        if (!(error instanceof BlobMissing)) throw error
        copied.missing++
      }
    })
    after = hashes.at(-1) ?? after
    onProgress(copied)
  }
}
