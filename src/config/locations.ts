import { join, resolve } from 'node:path'
import type { Config } from './schema/index.ts'

export type RateLimitName = keyof Config['rateLimits']['buckets']

/** Where the signing key is. */
export const signingKeyPath = (config: Config): string =>
  config.signingKeyFile ?? join(config.dataDirectory, 'signing.key')

/** Which database the settings mean. */
export const databaseLocation = (
  config: Pick<Config, 'dataDirectory'> & {
    readonly database: Pick<Config['database'], 'url' | 'maxConnections'>
  },
):
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly poolSize: number } => {
  const { url, maxConnections } = config.database
  return url.startsWith('sqlite:')
    ? {
        kind: 'sqlite',
        path: resolve(config.dataDirectory, url.slice('sqlite:'.length).replace(/^\/\/(?=[^/])/, '')),
      }
    : { kind: 'postgres', url, poolSize: maxConnections }
}

/** The rate limits by bucket; `false` where they are switched off. */
export const rateLimitsOf = (
  config: Config,
): Readonly<Record<RateLimitName, { readonly perSecond: number; readonly burst: number } | false>> => {
  const { enabled, buckets } = config.rateLimits
  const entries = Object.entries(buckets).map(([name, bucket]) => [name, enabled && bucket.enabled && bucket])
  return Object.fromEntries(entries)
}
