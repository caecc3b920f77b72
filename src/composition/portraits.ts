import type { Config } from '../config/schema/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { IncomingResponse } from '../network/http-client.ts'
import { openPageFetcher } from '../network/page-fetcher.ts'
import type { Accounts } from '../services/accounts/index.ts'
import type { Media } from '../services/media/index.ts'
import { outgoingOf } from './options.ts'
import type { Running } from './running.ts'

const TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

/** In bytes. */
const MAX_PICTURE = 5 * 1024 * 1024

/** Has the pictures that providers name of new users become their avatars: fetched as previews are, since users may name them there. */
export const openPortraits = (parts: {
  config: Config
  accounts: Accounts
  media: Media
  clock: Clock
  log: Log
}): readonly Running[] => {
  const { config, accounts, media, clock, log } = parts
  if (config.signIn.providers.length === 0) return []
  const pages = openPageFetcher({ ...config.previews, ...outgoingOf(config, clock) })
  accounts.hooks.onPicture = async (userId, url) => {
    try {
      const avatarUrl = await pages.get(url, 'image/*', async ({ status, headers, body }) => {
        const [contentType = ''] = (headers['content-type'] ?? '').split(';', 1)
        if (status !== 200 || !TYPES.includes(contentType)) return undefined
        return media.uploads.upload(userId, { content: bounded(body), contentType })
      })
      if (avatarUrl === undefined) return
      await accounts.profiles.setField({ userId, isGuest: false }, 'avatar_url', { avatar_url: avatarUrl })
    } catch (error) {
      // An account without a picture is better than none.
      log.info({ part: 'sign-in', user: userId, err: error }, 'the picture of a new user was not to be had')
    }
  }
  return [pages]
}

async function* bounded(body: IncomingResponse['body']): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_PICTURE) throw new Error(`a picture has at most ${MAX_PICTURE} bytes`)
    yield chunk
  }
}
