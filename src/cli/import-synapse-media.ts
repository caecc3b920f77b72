import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { mediaDirectory, openMediaStore } from '../composition/media.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/schema/index.ts'
import { type SynapseSettings, synapsePath, textOption } from '../config/synapse/settings.ts'
import type { ImportedMedia } from '../services/synapse-import/imported-media.ts'
import { DirectoryStore } from '../storage/media/directory-store.ts'
import { systemClock } from '../system-clock.ts'
import type { Host } from './host.ts'
import type { ImportOptions } from './import-synapse.ts'

/** Where files come from and go to, until it is closed; `undefined` if they are to stay behind. @throws {OperatorError} */
export const importedMedia = (
  host: Host,
  config: Config,
  settings: SynapseSettings,
  { media, linkMedia = false }: Pick<ImportOptions, 'media' | 'linkMedia'>,
): (ImportedMedia & { close(): Promise<void> }) | undefined => {
  if (media === false) return undefined
  const named = textOption(settings, 'media_store_path')
  const from =
    media === undefined ? synapsePath(settings, host.cwd, named ?? 'media_store') : resolve(host.cwd, media)
  if (!existsSync(from)) {
    throw new OperatorError(
      `Synapse's files are not in ${from}: say where by --media, or leave them behind by --no-media.`,
    )
  }
  const clock = systemClock
  if (!linkMedia) {
    const { blobs, close } = openMediaStore(config, clock)
    return { from, to: blobs, close }
  }
  if (config.media.store !== 'directory') {
    throw new OperatorError('--link-media is for files in a directory, and media.store is another.')
  }
  const store = new DirectoryStore(mediaDirectory(config), () => clock.now())
  return { from, to: store, link: path => store.adopt(path), close: async () => undefined }
}
