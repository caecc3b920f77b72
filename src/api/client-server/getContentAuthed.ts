import { refuseUnlessAdministrator } from '../../http/authentication.ts'
import { endpoint } from '../../http/endpoint.ts'
import { mediaReply, wantedOf } from '../media-reply.ts'

export const getContentAuthed = endpoint(
  'getContentAuthed',
  async ({ requester, path, query, request }, { media }) => {
    const evenHidden = query.admin_unsafely_bypass_quarantine ?? false
    if (evenHidden) refuseUnlessAdministrator(requester)
    const wanted = { ...wantedOf(path, query, request), evenHidden }
    return mediaReply(await media.downloads.download(wanted), request)
  },
)
