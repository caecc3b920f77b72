import { roomEventFilter } from '../../core/filter.ts'
import type { JsonValue } from '../../core/json.ts'
import { SEARCHED_TYPES } from '../../core/searched-text.ts'
import type { Operations } from '../../spec/types.ts'
import type { SearchRequest } from './message-search.ts'
import { GROUP_KEYS } from './search-token.ts'

type Criteria = NonNullable<Operations['search']['body']['search_categories']['room_events']>

const KEYS = Object.keys(SEARCHED_TYPES) as (keyof typeof SEARCHED_TYPES)[]
const DEFAULT_CONTEXT = 5
const MAX_CONTEXT = 50

/** Reads what a client asks to be searched for. */
export const searchRequestOf = (criteria: Criteria, nextBatch: string | undefined): SearchRequest => {
  const { event_context: context, groupings } = criteria
  const asked = new Set(groupings?.group_by?.map(group => group.key))
  return {
    term: criteria.search_term,
    keys: criteria.keys ?? KEYS,
    filter: roomEventFilter(criteria.filter as JsonValue | undefined),
    order: criteria.order_by ?? 'rank',
    context: context && {
      before: bounded(context.before_limit),
      after: bounded(context.after_limit),
      profiles: context.include_profile === true,
    },
    includeState: criteria.include_state === true,
    groupBy: GROUP_KEYS.filter(key => asked.has(key)),
    nextBatch,
  }
}

const bounded = (limit: number = DEFAULT_CONTEXT): number => Math.min(Math.max(limit, 0), MAX_CONTEXT)
