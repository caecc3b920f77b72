import { endpoint } from '../../http/endpoint.ts'
import { mediaReply, wantedOf } from '../media-reply.ts'

export const getContentOverrideNameAuthed = endpoint(
  'getContentOverrideNameAuthed',
  async ({ path, query, request }, { media }) =>
    mediaReply(await media.downloads.download(wantedOf(path, query, request), path.fileName), request),
)
