import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { parseDuration } from '../config/units.ts'
import { withServices } from './accounts.ts'
import type { Host } from './host.ts'
import { withConfig } from './settings.ts'

const KINDS: Readonly<Record<string, string>> = {
  upload: 'uploads of users here',
  remote: 'copies from other servers',
  preview: 'pictures of links',
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1536` → `1.5 KiB`. */
const readable = (bytes: number): string => {
  const step = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${UNITS[step]}`
}

/** Prints what the files come to, by kind. */
export const mediaUsage = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async ({ media }) => {
      const kinds = await media.usage()
      for (const { kind, files, bytes } of kinds) {
        host.stdout.write(`${KINDS[kind] ?? kind}: ${files} files, ${readable(bytes)}\n`)
      }
      if (kinds.length === 0) host.stdout.write('there are no files\n')
    }),
  )

/** Deletes old files, or says which would go. */
export const mediaPurge = (
  host: Host,
  flags: ConfigFlags,
  options: { readonly dryRun?: boolean; readonly remoteOlderThan?: string },
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async ({ media }) => {
      const { dryRun = false, remoteOlderThan } = options
      const remoteLifetime = remoteOlderThan === undefined ? undefined : parseDuration(remoteOlderThan)
      if (remoteOlderThan !== undefined && remoteLifetime === undefined) {
        throw new OperatorError(
          `--remote-older-than ${remoteOlderThan} cannot be used: write a duration such as 7d`,
        )
      }
      const age = remoteLifetime === undefined ? {} : { remoteLifetime }
      const { files, bytes } = await media.purge({ dryRun, ...age })
      host.stdout.write(`${dryRun ? 'would delete' : 'deleted'} ${files} files, ${readable(bytes)}\n`)
    }),
  )

/** Hides a file, or shows it again. */
export const mediaQuarantine = (
  host: Host,
  flags: ConfigFlags,
  uri: string,
  options: { readonly undo?: boolean },
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async ({ media }) => {
      const isHidden = options.undo !== true
      const files = await media.quarantine(uri, isHidden)
      host.stdout.write(`${isHidden ? 'hidden' : 'shown again'}: ${files} files\n`)
    }),
  )
