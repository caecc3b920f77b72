import { endpoint, reply } from '../../http/endpoint.ts'
import { searchRequestOf } from '../../services/search/search-request.ts'

export const search = endpoint('search', async ({ requester, query, body }, { messageSearch }) => {
  const { room_events: criteria } = body.search_categories
  if (criteria === undefined) return { search_categories: {} }
  const found = await messageSearch.search(requester, searchRequestOf(criteria, query.next_batch))
  return reply({ body: `{"search_categories":{"room_events":${found}}}` })
})
