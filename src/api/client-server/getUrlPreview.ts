import { endpoint, reply } from '../../http/endpoint.ts'

export const getUrlPreview = endpoint('getUrlPreview', async ({ requester, query }, { media }) =>
  reply({ json: await media.previews.get(requester.userId, query.url) }),
)
