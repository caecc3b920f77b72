import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** A stretch of the stream `events` during which somebody was ignored; without an end they still are. */
export type IgnoredSpan = readonly [after: number, upTo?: number]

/** By the ID of who is, or was, ignored. */
export type IgnoredSpans = ReadonlyMap<string, IgnoredSpan>

/** Of so many users whom somebody ignores no longer it is remembered; those of long ago are in nobody's next sync. */
const MAX_ENDED = 100

/** Whom an `m.ignored_user_list` names; nobody can ignore themselves. */
export const ignoredBy = (userId: string, { ignored_users: list }: JsonObject): ReadonlySet<string> =>
  new Set(isJsonObject(list) ? Object.keys(list).filter(ignored => ignored !== userId) : [])

/**
 * The spans once a list has changed.
 * @param change.before whom the list named before the change
 * @param change.after whom it names now
 * @param change.position where the stream stands
 */
export const spansAfter = (
  spans: IgnoredSpans,
  change: { before: ReadonlySet<string>; after: ReadonlySet<string>; position: number },
): IgnoredSpans => {
  const { before, after, position } = change
  const going = [...after].map(userId => {
    const begun = before.has(userId) ? (spans.get(userId)?.[0] ?? 0) : position
    return [userId, [begun]] as const
  })
  const past = [...spans].filter(([userId, [, end]]) => end !== undefined && !after.has(userId))
  const ending = [...before]
    .filter(userId => !after.has(userId))
    .map(userId => [userId, [spans.get(userId)?.[0] ?? 0, position]] as const)
  return new Map<string, IgnoredSpan>([...going, ...[...past, ...ending].slice(-MAX_ENDED)])
}

/** Whether what somebody sent at a position was missed for having been ignored then, though they no longer are. */
export const wasMissed = (spans: IgnoredSpans, userId: string, position: number): boolean => {
  const [after, upTo] = spans.get(userId) ?? [0]
  return upTo !== undefined && position > after && position <= upTo
}

/** Spans as JSON text, and back. */
export const formatSpans = (spans: IgnoredSpans): string => JSON.stringify(Object.fromEntries(spans))
export const parseSpans = (text: string | null): IgnoredSpans =>
  new Map(Object.entries(text === null ? {} : (JSON.parse(text) as Record<string, IgnoredSpan>)))

/** The content of a list, of which clients make what they like. */
export const parseIgnoredList = (text: string | undefined): JsonObject => {
  const content = text === undefined ? undefined : (JSON.parse(text) as JsonValue)
  return isJsonObject(content) ? content : {}
}
