import { endpoint, reply } from '../../http/endpoint.ts'

export const getUrlPreview = endpoint('getUrlPreview', async ({ query }, { media }) =>
  reply({ json: await media.previews.get(query.url) }),
)
