import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from './config/schema/index.ts'
import type { Clock } from './core/clock.ts'
import type { Log } from './core/log.ts'
import type { Federation } from './services/federation/index.ts'
import { createMedia, type Media } from './services/media/index.ts'
import type { Database } from './storage/database.ts'
import { DirectoryStore } from './storage/media/directory-store.ts'

/** Where files are kept. */
export const mediaDirectory = (config: Config): string =>
  config.media.directory ?? join(config.dataDirectory, 'media')

/** The content repository as the settings want it. */
export const composeMedia = (parts: {
  readonly config: Config
  readonly database: Database
  readonly federation: Pick<Federation, 'client'>
  readonly clock: Clock
  readonly log: Log
}): Media => {
  const { config, database, federation, clock } = parts
  const { legacyBefore, ...media } = config.media
  return createMedia({
    database,
    blobs: new DirectoryStore(mediaDirectory(config), () => clock.now()),
    clock,
    log: parts.log.child({ part: 'media' }),
    serverName: config.serverName,
    options: { ...media, legacyBefore: legacyBefore === undefined ? undefined : Date.parse(legacyBefore) },
    random: randomBytes,
    fetchMedia: federation.client.downloadMedia,
  })
}
