import { join, resolve } from 'node:path'
import type { Config } from './schema/index.ts'

/** Where the signing key is. */
export const signingKeyPath = (config: Config): string =>
  config.signingKeyFile ?? join(config.dataDirectory, 'signing.key')

/** Which database the settings mean. */
export const databaseLocation = (
  config: Config,
):
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string } => {
  const { url } = config.database
  return url.startsWith('sqlite:')
    ? {
        kind: 'sqlite',
        path: resolve(config.dataDirectory, url.slice('sqlite:'.length).replace(/^\/\/(?=[^/])/, '')),
      }
    : { kind: 'postgres', url }
}
