import type { ListFilter } from './list-filters.ts'
import type { RoomConfig, SlidingRequest } from './request.ts'
import { RequiredState } from './required-state.ts'
import type { Place } from './room-list.ts'

/** A room that a request is about. */
export interface Selected {
  readonly place: Place
  readonly config: RoomConfig
  /** The lists in whose windows it is. */
  readonly lists: readonly string[]
  readonly isSubscribed: boolean
}

/**
 * "If a room matches multiple rules … the room configs must be combined into one": the superset of all. Made once for all rooms that
 * match the same rules.
 */
class Combinations {
  readonly #numbers = new Map<RoomConfig, number>()
  readonly #made = new Map<string, RoomConfig>()

  of(configs: readonly RoomConfig[]): RoomConfig {
    const [first, ...others] = configs
    if (first !== undefined && others.length === 0) return first
    const key = configs.map(config => this.#numberOf(config)).join()
    const known = this.#made.get(key) ?? {
      timelineLimit: configs.reduce((greatest, { timelineLimit }) => Math.max(greatest, timelineLimit), 0),
      requiredState: RequiredState.union(configs.map(({ requiredState }) => requiredState)),
    }
    this.#made.set(key, known)
    return known
  }

  #numberOf(config: RoomConfig): number {
    const number = this.#numbers.get(config) ?? this.#numbers.size
    this.#numbers.set(config, number)
    return number
  }
}

/** The rooms in the windows of lists, and those that are subscribed to; and how many rooms each list has. */
export const select = async (
  request: SlidingRequest,
  places: readonly Place[],
  filter: ListFilter,
): Promise<{ counts: ReadonlyMap<string, number>; selected: ReadonlyMap<string, Selected> }> => {
  const counts = new Map<string, number>()
  const matched = new Map<Place, { configs: RoomConfig[]; lists: string[]; isSubscribed: boolean }>()
  const match = (place: Place, config: RoomConfig, list?: string): void => {
    const known = matched.get(place) ?? { configs: [], lists: [], isSubscribed: false }
    known.configs.push(config)
    if (list === undefined) known.isSubscribed = true
    else known.lists.push(list)
    matched.set(place, known)
  }
  for (const { name, config, filters, ranges } of request.lists) {
    const passing = await filter.passing(filters)
    counts.set(name, passing.length)
    const windows = ranges?.map(([from, to]) => passing.slice(from, to + 1)) ?? [passing]
    for (const place of new Set(windows.flat())) match(place, config, name)
  }
  for (const place of places) {
    const config = request.subscriptions.get(place.roomId)
    if (config !== undefined) match(place, config)
  }
  const combinations = new Combinations()
  const inOrder = [...matched].sort(([a], [b]) => b.order - a.order)
  return {
    counts,
    selected: new Map(
      inOrder.map(([place, { configs, lists, isSubscribed }]) => [
        place.roomId,
        { place, lists, isSubscribed, config: combinations.of(configs) },
      ]),
    ),
  }
}
