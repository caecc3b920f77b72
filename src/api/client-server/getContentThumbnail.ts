import { endpoint } from '../../http/endpoint.ts'
import { mediaReply, thumbnailOf, wantedOf } from '../media-reply.ts'

/** As it was before Matrix 1.11: without an access token, and frozen unless the operator wants otherwise. */
export const getContentThumbnail = endpoint(
  'getContentThumbnail',
  async ({ path, query, request }, { media }) => {
    const wanted = { ...wantedOf(path, query, request), isLegacy: true }
    return mediaReply(await media.thumbnails.get(wanted, thumbnailOf(query)), request, { isPublic: true })
  },
)
