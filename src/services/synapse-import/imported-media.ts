import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore, StoredBlob } from '../../storage/media/blob-store.ts'

/** Where files come from, and go to. */
export interface ImportedMedia {
  /** Synapse's `media_store_path`. */
  readonly from: string
  readonly to: BlobStore
  /** Links a file instead of copying it, where that is wanted. */
  readonly link?: ((path: string) => Promise<StoredBlob>) | undefined
}

/** Files that are read at once. */
const AT_ONCE = 4

/** Has files stored; answers those that were there, with what is stored of them. */
export const storedFiles = async <T extends { readonly media_id: string }>(
  media: ImportedMedia,
  rows: readonly T[],
): Promise<{ row: T; blob: StoredBlob }[]> => {
  const stored: { row: T; blob: StoredBlob }[] = []
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const blobs = await Promise.all(
      rows.slice(at, at + AT_ONCE).map(async row => {
        const blob = await storedFile(media, row.media_id)
        return blob === undefined ? [] : [{ row, blob }]
      }),
    )
    stored.push(...blobs.flat())
  }
  return stored
}

/** Synapse has a file `abcdefgh` as `local_content/ab/cd/efgh`. */
const storedFile = async (
  { from, to, link }: ImportedMedia,
  mediaId: string,
): Promise<StoredBlob | undefined> => {
  const path = join(from, 'local_content', mediaId.slice(0, 2), mediaId.slice(2, 4), mediaId.slice(4))
  const isThere = await stat(path).then(
    found => found.isFile(),
    () => false,
  )
  if (!isThere) return undefined
  return link === undefined ? to.put(createReadStream(path), Number.MAX_SAFE_INTEGER) : link(path)
}
