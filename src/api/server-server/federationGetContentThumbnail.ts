import { endpoint } from '../../http/endpoint.ts'
import { multipartReply, thumbnailOf } from '../media-reply.ts'

/** Only of files of this server. */
export const federationGetContentThumbnail = endpoint(
  'federationGetContentThumbnail',
  async ({ path, query, request }, { media }) =>
    multipartReply(
      await media.thumbnails.get(
        {
          origin: media.serverName,
          mediaId: path.mediaId,
          timeoutMs: query.timeout_ms,
          signal: request.signal,
        },
        thumbnailOf(query),
      ),
    ),
)
