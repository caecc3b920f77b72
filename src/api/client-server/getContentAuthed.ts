import { endpoint } from '../../http/endpoint.ts'
import { mediaReply, wantedOf } from '../media-reply.ts'

export const getContentAuthed = endpoint('getContentAuthed', async ({ path, query, request }, { media }) =>
  mediaReply(await media.downloads.download(wantedOf(path, query, request)), request),
)
