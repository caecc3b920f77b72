import { endpoint } from '../../http/endpoint.ts'
import { mediaReply, thumbnailOf, wantedOf } from '../media-reply.ts'

export const getContentThumbnailAuthed = endpoint(
  'getContentThumbnailAuthed',
  async ({ path, query, request }, { media }) =>
    mediaReply(await media.thumbnails.get(wantedOf(path, query, request), thumbnailOf(query)), request),
)
