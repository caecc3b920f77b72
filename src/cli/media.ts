import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { localpart, withServices } from './accounts.ts'
import type { Host } from './host.ts'
import type { CopiedMedia, MediaStore } from './ports.ts'
import { positive, positiveDuration } from './positive.ts'
import { readable } from './readable.ts'
import { withConfig } from './settings.ts'

const KINDS: Readonly<Record<string, string>> = {
  upload: 'uploads of users here',
  remote: 'copies from other servers',
  preview: 'pictures of links',
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
      const age =
        remoteOlderThan === undefined
          ? {}
          : { remoteLifetime: positiveDuration('--remote-older-than', remoteOlderThan) }
      const { files, bytes } = await media.purge({ dryRun, ...age })
      host.stdout.write(`${dryRun ? 'would delete' : 'deleted'} ${files} files, ${readable(bytes)}\n`)
    }),
  )

/** Prints the newest files, of everybody or of one user: when, how large, whose, what and where. */
export const mediaList = (
  host: Host,
  flags: ConfigFlags,
  options: { readonly user?: string; readonly limit?: string },
): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async ({ media }) => {
      const { serverName } = config
      const limit = positive('--limit', options.limit ?? '50')
      const files = await media.list({
        limit,
        ...(options.user === undefined
          ? {}
          : { userId: `@${localpart(options.user, serverName)}:${serverName}` }),
      })
      for (const { uri, kind, userId = '-', bytes, contentType, createdTs } of files) {
        const facts = [new Date(createdTs).toISOString(), readable(bytes), kind, userId, contentType, uri]
        host.stdout.write(`${facts.join('  ')}\n`)
      }
      if (files.length === 0) host.stdout.write('there are no such files\n')
    }),
  )

const STORES: readonly string[] = ['directory', 's3'] satisfies MediaStore[]
const isStore = (name: string): name is MediaStore => STORES.includes(name)

/** Copies all files from one store to the other. Content that is missing is an error, once all else is copied. */
export const mediaCopy = (host: Host, flags: ConfigFlags, from: string, to: string): Promise<number> =>
  withConfig(host, flags, ({ config }) =>
    withServices(host, config, async ({ media }) => {
      if (!isStore(from) || !isStore(to) || from === to) {
        throw new OperatorError('files are copied from `directory` to `s3`, or from `s3` to `directory`')
      }
      const line = ({ files, bytes }: CopiedMedia) => `${files} files, ${readable(bytes)}\n`
      const copied = await media.copy(from, to, so => host.stderr.write(`so far ${line(so)}`))
      host.stdout.write(`copied ${line(copied)}`)
      if (copied.missing > 0) {
        throw new OperatorError(`the content of ${copied.missing} files is not in the first store`)
      }
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
