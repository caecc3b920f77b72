import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import type { Assignment } from './assignments.ts'
import { FORMATS, isProxyException } from './formats.ts'
import type { OptionPath } from './schema-types.ts'

/** The flags of the command line that bear on settings. */
export interface ConfigFlags {
  readonly config?: string
  readonly data?: string
  readonly serverName?: string
  readonly host?: string
  readonly port?: string
  /** `section.option=value` */
  readonly set?: readonly string[]
}

export interface LoadOptions {
  readonly flags?: ConfigFlags
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export const SETTINGS_FILE = 'homeserver.yaml'

/**
 * Which settings file counts: the one named by `--config` or `TESSERA_CONFIG`; else `homeserver.yaml` in a data
 * directory that is named outside the file; else in the working directory, or in `data` there.
 */
export const findSettingsFile = ({ flags = {}, env, cwd }: LoadOptions): string | undefined => {
  const named = flags.config ?? (env['TESSERA_CONFIG'] || undefined)
  if (named !== undefined) return resolve(cwd, named)
  const data = flags.data ?? (env['TESSERA_DATA'] || undefined)
  const places = data === undefined ? ['.', 'data'] : [data]
  return places.map(place => resolve(cwd, place, SETTINGS_FILE)).find(path => existsSync(path))
}

/** The ways to set an option that are not named after it: old conventions, and flags of their own. */
export const shortcuts = ({
  flags = {},
  env,
}: LoadOptions): Record<'fallbacks' | 'before' | 'after', Assignment[]> & { warnings: string[] } => {
  const warnings: string[] = []
  const make = (path: OptionPath, text: string | undefined, source: string): Assignment[] =>
    text === undefined || text === ''
      ? []
      : [{ path, value: path.at(-1) === 'port' && /^\d+$/.test(text) ? Number(text) : text, source }]
  let host = env['HOST'] || undefined
  // Some shells and build tools export HOST as the name of the machine or of a platform: nobody means to listen there.
  if (host !== undefined && host !== 'localhost' && !ipaddr.isValid(host)) {
    warnings.push(`HOST is ignored, because it is not an IP address: ${host}`)
    host = undefined
  }
  return {
    fallbacks: proxyOf(env, warnings),
    before: [
      ...make(['listeners', 0, 'host'], host, 'HOST'),
      ...make(['listeners', 0, 'port'], env['PORT'], 'PORT'),
      ...make(['data_directory'], env['TESSERA_DATA'], 'TESSERA_DATA'),
    ],
    after: [
      ...make(['data_directory'], flags.data, '--data'),
      ...make(['server_name'], flags.serverName, '--server-name'),
      ...make(['listeners', 0, 'host'], flags.host, '--host'),
      ...make(['listeners', 0, 'port'], flags.port, '--port'),
    ],
    warnings,
  }
}

/** A variable in either case, as `curl` and others read it: the lower one counts more. */
const conventional = (env: LoadOptions['env'], name: string): string | undefined =>
  env[name.toLowerCase()] || env[name] || undefined

/** The proxy that all programs of a machine are told of, as far as it is of a kind that is spoken here. */
const proxyOf = (env: LoadOptions['env'], warnings: string[]): Assignment[] => {
  const named = conventional(env, 'HTTPS_PROXY')
  if (named === undefined) return []
  const url = named.includes('://') ? named : `http://${named}`
  if (!FORMATS['proxy-url'].admits(url)) {
    warnings.push('HTTPS_PROXY is ignored, because it is not the URL of an HTTP proxy')
    return []
  }
  const entries = (conventional(env, 'NO_PROXY') ?? '').split(/[\s,]+/).filter(entry => entry !== '')
  const [usable, odd] = [true, false].map(wanted => entries.filter(each => isProxyException(each) === wanted))
  for (const entry of odd ?? []) warnings.push(`${entry} in NO_PROXY is ignored, because it is no host`)
  return [
    { path: ['outbound_proxy', 'url'], value: url, source: 'HTTPS_PROXY' },
    { path: ['outbound_proxy', 'bypass'], value: usable, source: 'NO_PROXY' },
  ]
}
