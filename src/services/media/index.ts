import type { PageFetcher } from '../../network/page-fetcher.ts'
import type { BlobStore } from '../../storage/media/blob-store.ts'
import { Arrivals } from './arrivals.ts'
import { type MediaParts, mediaContext } from './context.ts'
import { Downloads } from './downloads.ts'
import { Icons } from './icons.ts'
import { MediaModeration } from './moderation.ts'
import { type PreviewOptions, Previews } from './previews/previews.ts'
import { type FetchMedia, RemoteMedia } from './remote-media.ts'
import { Retention } from './retention.ts'
import { Thumbnails } from './thumbnails.ts'
import { Uploads } from './uploads.ts'

export type { MediaFile } from './downloads.ts'
export type { MediaOptions } from './options.ts'
export type { FetchMedia } from './remote-media.ts'

/** The content repository. */
export interface Media {
  readonly uploads: Uploads
  readonly downloads: Downloads
  readonly thumbnails: Thumbnails
  readonly retention: Retention
  readonly moderation: MediaModeration
  readonly previews: Previews
  readonly icons: Icons
  readonly serverName: string
  /** The largest file that may be uploaded, in bytes. */
  readonly maxUploadSize: number
  start(): void
  close(): Promise<void>
}

export type { BlobStore }

/** Puts the content repository together. Nothing runs in the background before `start`. */
export const createMedia = (
  parts: MediaParts & {
    readonly fetchMedia: FetchMedia
    readonly previews: PreviewOptions
    readonly pages: PageFetcher
  },
): Media => {
  const context = mediaContext(parts)
  const arrivals = new Arrivals(context.clock)
  const remote = new RemoteMedia(context, parts.fetchMedia)
  const uploads = new Uploads(context, arrivals)
  const downloads = new Downloads(context, arrivals, remote)
  const thumbnails = new Thumbnails(context, downloads)
  const previews = new Previews(context, parts.previews, parts.pages)
  const retention = new Retention(context)
  return {
    uploads,
    downloads,
    thumbnails,
    retention,
    moderation: new MediaModeration(context),
    previews,
    icons: new Icons(),
    serverName: parts.serverName,
    maxUploadSize: parts.options.maxUploadSize,
    start: () => retention.start(),
    close: async () => {
      await retention.close()
      await previews.close()
      await remote.close()
      await thumbnails.close()
      await downloads.close()
    },
  }
}
