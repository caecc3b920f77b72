import type { Refusal } from '../event/event.ts'
import type { JsonValue } from '../json.ts'

/** A refusal: `rule` is a stable name (`member.join.banned`), `message` a sentence that a person understands. */
export const refuse = (rule: string, message: string): Refusal => ({ rule, message })

/** A value from an event, fit for a sentence: whoever sent it does not decide how long the log line gets. */
export const quoted = (value: JsonValue): string => {
  if (typeof value !== 'string') return `of type ${typeof value}`
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value)
}
