import { isJsonObject } from './json.ts'

/** The state event by which rooms say how long their messages are kept. */
export const RETENTION_TYPE = 'm.room.retention'

/** What an operator settles about messages' lifetimes. Milliseconds. */
export interface RetentionSettings {
  /** Of messages in rooms that say nothing; `undefined`: they are kept. */
  readonly defaultLifetime: number | undefined
  /** No room's messages are deleted earlier than this. */
  readonly shortest: number | undefined
  /** A room that asks for more gets this. */
  readonly longest: number | undefined
}

/** What a room asks for. Milliseconds. */
interface RetentionRule {
  readonly max: number | undefined
  readonly min: number | undefined
}

/** The rule in the content of an `m.room.retention` event; what is no duration counts as not there. */
const ruleOf = (content: unknown): RetentionRule => {
  const fields = isJsonObject(content) ? content : {}
  const max = duration(fields['max_lifetime'])
  const min = duration(fields['min_lifetime'])
  // MSC1763: `min_lifetime` "must be less than or equal to max_lifetime": a rule that is not asks for nothing.
  if (max !== undefined && min !== undefined && min > max) return { max: undefined, min: undefined }
  return { max, min }
}

const duration = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/**
 * How long messages of a room are kept.
 *
 * @param content of the room's `m.room.retention` (`min_lifetime` and `max_lifetime`, in milliseconds; MSC1763), if it has one
 * @returns milliseconds; `undefined`: for good
 */
export const lifetimeOf = (content: unknown, settings: RetentionSettings): number | undefined => {
  const { max, min } = ruleOf(content)
  const wanted = max ?? settings.defaultLifetime
  if (wanted === undefined) return undefined
  const atLeast = Math.max(wanted, min ?? 0)
  const capped = max === undefined ? atLeast : Math.min(atLeast, settings.longest ?? atLeast)
  return Math.max(capped, settings.shortest ?? 0)
}
