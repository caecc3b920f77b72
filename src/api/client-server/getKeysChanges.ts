import { endpoint } from '../../http/endpoint.ts'

export const getKeysChanges = endpoint('getKeysChanges', async ({ requester, query }, { encryption }) => {
  const { changed, left } = await encryption.keyChanges.between(requester.userId, query.from, query.to)
  return { changed: [...changed], left: [...left] }
})
