import { endpoint } from '../../http/endpoint.ts'
import { multipartReply } from '../media-reply.ts'

/** Only files of this server: nobody has to ask us for what others have. */
export const federationGetContent = endpoint(
  'federationGetContent',
  async ({ path, query, request }, { media }) =>
    multipartReply(
      await media.downloads.download({
        origin: media.serverName,
        mediaId: path.mediaId,
        timeoutMs: query.timeout_ms,
        signal: request.signal,
      }),
    ),
)
