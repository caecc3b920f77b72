import type { Refusal } from '../event/event.ts'

/** A refusal: `rule` is a stable name (`member.join.banned`), `message` a sentence that a person understands. */
export const refuse = (rule: string, message: string): Refusal => ({ rule, message })
