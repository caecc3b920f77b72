import { endpoint, reply } from '../../http/endpoint.ts'

export const getUrlPreviewAuthed = endpoint('getUrlPreviewAuthed', async ({ query }, { media }) =>
  reply({ json: await media.previews.get(query.url) }),
)
