import { endpoint } from '../../http/endpoint.ts'
import { partOf } from '../administered-pages.ts'

/** Forwards in these orders is from the greatest on. */
const GREATEST_FIRST: ReadonlySet<string> = new Set([
  'joined_members',
  'joined_local_members',
  'version',
  'state_events',
])

export const adminListRooms = endpoint('adminListRooms', async ({ query }, { administration }) => {
  const { order_by: asked, search_term: term, public_rooms: isPublic, empty_rooms: isEmpty } = query
  const order = asked === 'alphabetical' ? 'name' : asked === 'size' ? 'joined_members' : asked
  const part = partOf(query)
  const isDescending = part.isDescending !== GREATEST_FIRST.has(order)
  const page = { ...part, order, isDescending, term, isPublic, isEmpty }
  const { rooms, total } = await administration.rooms.list(page)
  const { from, limit } = part
  return {
    offset: from,
    rooms,
    total_rooms: total,
    ...(from + limit < total ? { next_batch: from + limit } : {}),
    ...(from > 0 ? { prev_batch: Math.max(0, from - limit) } : {}),
  }
})
