import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from './config/schema/index.ts'
import type { Clock } from './core/clock.ts'
import type { Log } from './core/log.ts'
import { openPageFetcher } from './network/page-fetcher.ts'
import type { Federation } from './services/federation/index.ts'
import { createMedia, type FetchMedia, type Media } from './services/media/index.ts'
import type { Database } from './storage/database.ts'
import { DirectoryStore } from './storage/media/directory-store.ts'

/** Where files are kept. */
export const mediaDirectory = (config: Config): string =>
  config.media.directory ?? join(config.dataDirectory, 'media')

interface MediaSurroundings {
  readonly config: Config
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
}

/** The content repository as the settings want it. */
export const composeMedia = (
  parts: MediaSurroundings & { readonly federation: Pick<Federation, 'client'> },
): Media => compose(parts, parts.federation.client.downloadMedia)

/** The same for commands, which fetch nothing. */
export const composeOfflineMedia = (parts: MediaSurroundings): Media =>
  compose(parts, () => Promise.reject(new Error('commands fetch nothing')))

const compose = (parts: MediaSurroundings, fetchMedia: FetchMedia): Media => {
  const { config, database, clock } = parts
  const { legacyBefore, ...media } = config.media
  return createMedia({
    database,
    blobs: new DirectoryStore(mediaDirectory(config), () => clock.now()),
    clock,
    log: parts.log.child({ part: 'media' }),
    serverName: config.serverName,
    options: { ...media, legacyBefore: legacyBefore === undefined ? undefined : Date.parse(legacyBefore) },
    random: randomBytes,
    fetchMedia,
    previews: config.previews,
    pages: openPageFetcher({
      ...config.previews,
      hosts: config.federation.hosts,
      caFile: config.caFile,
      clock,
    }),
  })
}
