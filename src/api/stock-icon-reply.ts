/** What the two endpoints of icons have in common. */
import { type RequestFacts, reply } from '../http/endpoint.ts'
import { isUnchanged } from '../http/range.ts'
import type { Reply } from '../http/reply.ts'
import type { Media } from '../services/media/index.ts'
import { SAFE_CONTENT } from './media-reply.ts'

const DEFAULT_SIZE = 96
const CACHE_SECONDS = 3_600

/**
 * The picture of a room or user: its thumbnail where there is one, else one that follows from the ID.
 *
 * @param size of a side in pixels; a stock icon without it is a vector picture.
 */
export const stockIconReply = async (
  { icons }: Pick<Media, 'icons'>,
  subject: { readonly id: string; readonly avatarUrl: string | undefined },
  size: number | undefined,
  { headers }: Pick<RequestFacts, 'headers'>,
): Promise<Reply> => {
  const thumbnail = icons.thumbnailPath(subject.avatarUrl, size ?? DEFAULT_SIZE)
  const caching = { 'Cache-Control': `private, max-age=${CACHE_SECONDS}` }
  if (thumbnail !== undefined) return reply({ status: 307, headers: { ...caching, Location: thumbnail } })
  const { body, contentType, etag } = await icons.draw(subject.id, size)
  const common = { ...SAFE_CONTENT, ...caching, ETag: etag, 'Content-Disposition': 'inline' }
  if (isUnchanged(headers, etag)) return reply({ status: 304, headers: common, body: '', contentType })
  return reply({ headers: common, body, contentType })
}
