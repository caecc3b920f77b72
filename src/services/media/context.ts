import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import type { BlobStore } from '../../storage/media/blob-store.ts'
import { MediaReader, MediaWriter } from '../../storage/media/media.ts'
import type { MediaOptions } from './options.ts'

export interface MediaParts {
  readonly database: Database
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly serverName: string
  readonly options: MediaOptions
  readonly random: (bytes: number) => Uint8Array
}

/** What all parts of the media service share. */
export interface MediaContext extends MediaParts {
  readonly read: MediaReader
  readonly write: MediaWriter
}

/** Builds the context once; statements are prepared here. */
export const mediaContext = (parts: MediaParts): MediaContext => ({
  ...parts,
  read: new MediaReader(parts.database),
  write: new MediaWriter(parts.database),
})

/** 144 random bits: nobody guesses the name of a file that they were not told of. */
export const newMediaId = ({ random }: Pick<MediaContext, 'random'>): string =>
  Buffer.from(random(18)).toString('base64url')
