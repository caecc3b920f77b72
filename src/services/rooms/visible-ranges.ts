import { type HistoryVisibility, mayUserSee } from '../../core/history-visibility.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'

/** A value that held from a position (inclusive) to another (exclusive). */
export interface Span<T> {
  readonly from: number
  readonly to: number | undefined
  readonly value: T
}

/** A stretch of positions, both ends included. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** What a user's sight of a room follows from. */
export interface SightHistory {
  readonly visibilities: readonly Span<HistoryVisibility>[]
  readonly memberships: readonly Span<Membership>[]
}

/** Below the position of any event there is. */
export const BEGINNING: number = -Number.MAX_SAFE_INTEGER
/** Above the position of any event there will be. */
export const END: number = Number.MAX_SAFE_INTEGER

/** What held at a position, if anything did. */
export const at = <T>(all: readonly Span<T>[], position: number): T | undefined => {
  let low = 0
  let high = all.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((all[middle]?.from ?? 0) <= position) low = middle + 1
    else high = middle
  }
  const found = all[low - 1]
  return found !== undefined && (found.to === undefined || position < found.to) ? found.value : undefined
}

/** History from before this server knew the room was sent under what held when it came to know it. */
export const visibilityAt = (
  all: readonly Span<HistoryVisibility>[],
  position: number,
): HistoryVisibility => {
  const [first] = all
  if (first !== undefined && position < 0 && first.from > 0) return first.value
  return at(all, position) ?? 'shared'
}

/** Whether the user was joined at any point after a position. */
export const joinedSince = (memberships: readonly Span<Membership>[], position: number): boolean => {
  const last = memberships.findLast(({ value }) => value === 'join')
  return last !== undefined && (last.to === undefined || last.to > position)
}

/**
 * The stretches of a room's timeline outside of which a user sees nothing, oldest first: what need not be read at all.
 * Where visibility or membership change, an event is within if either side of the change lets it be seen.
 */
export const visibleRanges = (history: SightHistory): Range[] => {
  const ranges: Range[] = []
  const add = (from: number, to: number, isVisible: boolean): void => {
    if (!isVisible || from > to) return
    const last = ranges.at(-1)
    if (last !== undefined && last.to === from - 1) ranges[ranges.length - 1] = { from: last.from, to }
    else ranges.push({ from, to })
  }
  let from = BEGINNING
  for (const change of changesOf(history)) {
    add(from, change - 1, within(history, from))
    add(change, change, onChange(history, change))
    from = change + 1
  }
  add(from, END, within(history, from))
  return ranges
}

/** Every position where something that decides may change. Position 0 parts what came before from what came after. */
const changesOf = ({ visibilities, memberships }: SightHistory): number[] => {
  const changes = new Set([0])
  for (const { from, to } of [...visibilities, ...memberships]) {
    changes.add(from)
    if (to !== undefined) changes.add(to)
  }
  return [...changes].sort((a, b) => a - b)
}

/** Whether events at a position are seen, and with them all others up to the next change. */
const within = ({ visibilities, memberships }: SightHistory, position: number): boolean =>
  mayUserSee({
    visibilityAt: { before: visibilityAt(visibilities, position) },
    membershipAt: { before: at(memberships, position) },
    joinedSince: joinedSince(memberships, position),
  })

const onChange = ({ visibilities, memberships }: SightHistory, position: number): boolean =>
  mayUserSee({
    visibilityAt: {
      before: visibilityAt(visibilities, position - 1),
      after: visibilityAt(visibilities, position),
    },
    membershipAt: { before: at(memberships, position - 1), after: at(memberships, position) },
    joinedSince: joinedSince(memberships, position),
  })
