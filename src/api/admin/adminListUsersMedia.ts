import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { nextOf, partOf } from '../administered-pages.ts'

export const adminListUsersMedia = endpoint('adminListUsersMedia', async ({ query }, { media }) => {
  const { order_by: order, from_ts: since, until_ts: until, search_term: term } = query
  if (until !== undefined && until <= since)
    throw new MatrixError('M_INVALID_PARAM', 'until_ts has to be after from_ts')
  const part = partOf(query)
  const filter = { since, until: until ?? Number.MAX_SAFE_INTEGER, term }
  const { catalogue } = media.moderation
  const [usages, total] = await Promise.all([
    catalogue.usages(filter, { ...part, order }),
    catalogue.countUsers(filter),
  ])
  const next = nextOf(part, usages.length, total)
  return {
    users: usages.map(({ userId, displayName, files, bytes }) => ({
      user_id: userId,
      displayname: displayName ?? null,
      media_count: files,
      media_length: bytes,
    })),
    total,
    ...(next === undefined ? {} : { next_token: next }),
  }
})
