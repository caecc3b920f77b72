import { roomEventFilterOf } from '../services/rooms/query-filter.ts'
import type { Page, PageRequest, Surroundings } from '../services/rooms/room-history.ts'

/** The page of a timeline that a query asks for. Throws `M_INVALID_PARAM`, `M_NOT_JSON` for a filter that is none. */
export const pageRequest = (query: {
  readonly dir: 'f' | 'b'
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly limit?: number | undefined
  readonly filter?: string | undefined
}): PageRequest => ({
  direction: query.dir,
  from: query.from,
  to: query.to,
  limit: query.limit,
  filter: roomEventFilterOf(query.filter),
})

/** The text of an answer to `/messages`. */
export const pageBody = (page: Page): string => {
  const end = page.end === undefined ? '' : `"end":"${page.end}",`
  const state = page.state.length === 0 ? '' : `"state":[${page.state.join(',')}],`
  return `{"start":"${page.start}",${end}${state}"chunk":[${page.chunk.join(',')}]}`
}

/** The text of an answer to `/context`. */
export const contextBody = ({ start, end, before, event, after, state }: Surroundings): string =>
  `{"start":"${start}","end":"${end}","events_before":[${before.join(',')}],"event":${event},` +
  `"events_after":[${after.join(',')}],"state":[${state.join(',')}]}`
