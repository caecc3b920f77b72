import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore, StoredBlob } from '../../storage/media/blob-store.ts'
import { SynapseUnreadable } from '../../storage/synapse/source.ts'

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

/** Has files stored; answers those that were there, with what is stored of them. @throws {SynapseUnreadable} if one may not be read */
export const storedFiles = async <T extends { readonly media_id: string }>(
  { from, to, link }: ImportedMedia,
  rows: readonly T[],
): Promise<{ row: T; blob: StoredBlob }[]> => {
  const there: { row: T; path: string }[] = []
  for (const row of rows) {
    const path = pathOf(from, row.media_id)
    if (await isThere(path)) there.push({ row, path })
  }
  const stored: { row: T; blob: StoredBlob }[] = []
  for (let at = 0; at < there.length; at += AT_ONCE) {
    const blobs = there.slice(at, at + AT_ONCE).map(async ({ row, path }) => ({
      row,
      blob: await (link === undefined ? to.put(createReadStream(path), Number.MAX_SAFE_INTEGER) : link(path)),
    }))
    stored.push(...(await Promise.all(blobs)))
  }
  return stored
}

/** Synapse has a file `abcdefgh` as `local_content/ab/cd/efgh`. */
const pathOf = (from: string, mediaId: string): string =>
  join(from, 'local_content', mediaId.slice(0, 2), mediaId.slice(2, 4), mediaId.slice(4))

/** Whether a file is there and can be read. @throws {SynapseUnreadable} if it is, and cannot: it must not count as one that is missing */
const isThere = async (path: string): Promise<boolean> => {
  try {
    if (!(await stat(path)).isFile()) return false
    await access(path, constants.R_OK)
    return true
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw new SynapseUnreadable(
      `Synapse's file ${path} cannot be read (${message}): give the command as a user who may, or leave files behind by --no-media.`,
      { cause },
    )
  }
}
