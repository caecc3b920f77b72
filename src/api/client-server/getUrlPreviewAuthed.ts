import { endpoint, reply } from '../../http/endpoint.ts'

export const getUrlPreviewAuthed = endpoint('getUrlPreviewAuthed', async ({ requester, query }, { media }) =>
  reply({ json: await media.previews.get(requester.userId, query.url) }),
)
