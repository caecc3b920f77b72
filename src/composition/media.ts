import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/schema/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { openConnections } from '../network/outgoing.ts'
import { openPageFetcher } from '../network/page-fetcher.ts'
import { S3Client } from '../network/s3-client.ts'
import type { Federation } from '../services/federation/index.ts'
import { type Copied, copyBlobs } from '../services/media/copy.ts'
import { createMedia, type FetchMedia, type Media } from '../services/media/index.ts'
import type { Database } from '../storage/database.ts'
import type { BlobStore } from '../storage/media/blob-store.ts'
import { DirectoryStore } from '../storage/media/directory-store.ts'
import { S3Store } from '../storage/media/s3-store.ts'
import { outgoingOf } from './options.ts'

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

/** The store that the settings name. @throws {OperatorError} where they do not say where it is */
export const openMediaStore = (config: Config, clock: Clock): OpenStore =>
  storeOf(config, config.media.store, clock)

/** The store of a kind, as the settings say where it is. @throws {OperatorError} where they do not. */
const storeOf = (config: Config, kind: Config['media']['store'], clock: Clock): OpenStore => {
  const now = () => clock.now()
  if (kind === 'directory') {
    return { blobs: new DirectoryStore(mediaDirectory(config), now), close: async () => {} }
  }
  const { endpoint, bucket, accessKey, secretKey, region, prefix } = config.media.s3
  if (endpoint === undefined || bucket === undefined || accessKey === undefined || secretKey === undefined) {
    throw new OperatorError(
      'media.s3 is not complete: an S3 store takes endpoint, bucket, access_key and secret_key',
    )
  }
  if (!/^[\w./-]*$/.test(prefix)) {
    throw new OperatorError('media.s3.prefix cannot be used: write letters, digits and ./_- alone')
  }
  const connect = openConnections(outgoingOf(config, clock), endpoint)
  const client = new S3Client({ endpoint, bucket, accessKey, secretKey, region, connect, clock })
  const spool = join(mediaDirectory(config), 'incoming')
  return { blobs: new S3Store(client, { prefix, spool, now }), close: () => client.close() }
}

export interface OpenStore {
  readonly blobs: BlobStore
  close(): Promise<void>
}

/** Copies the content of all files from the store of one kind to that of another. */
export const copyMedia = async (
  { config, database, clock }: Omit<MediaSurroundings, 'log'>,
  [from, to]: readonly [from: Config['media']['store'], to: Config['media']['store']],
  onProgress: (copied: Copied) => void,
): Promise<Copied> => {
  const [source, target] = [storeOf(config, from, clock), storeOf(config, to, clock)]
  try {
    return await copyBlobs(database, { from: source.blobs, to: target.blobs }, onProgress)
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}

const compose = (parts: MediaSurroundings, fetchMedia: FetchMedia): Media => {
  const { config, database, clock } = parts
  const { legacyBefore, store, s3: _, ...media } = config.media
  const { blobs, close } = storeOf(config, store, clock)
  const made = createMedia({
    database,
    blobs,
    clock,
    log: parts.log.child({ part: 'media' }),
    serverName: config.serverName,
    options: {
      ...media,
      legacyBefore: legacyBefore === undefined ? undefined : Date.parse(legacyBefore),
      // "Servers SHOULD ensure media used for IdP icons is excluded from the freeze": nobody is logged in who looks at them.
      alwaysLegacy: config.signIn.providers.flatMap(({ icon }) => icon ?? []),
    },
    random: randomBytes,
    fetchMedia,
    previews: config.previews,
    pages: openPageFetcher({ ...config.previews, ...outgoingOf(config, clock) }),
  })
  return {
    ...made,
    close: async () => {
      await made.close()
      await close()
    },
  }
}
