import { levelToNotify, type PowerLevelState, powerLevelOf } from '../auth/power-levels.ts'
import { compileGlob, globMatches } from '../glob.ts'
import type { JsonValue } from '../json.ts'
import { propertyPath } from './property-path.ts'
import type { PushEvent } from './push-event.ts'
import type { RuleCondition } from './rule.ts'
import { globMatchesWords } from './word-glob.ts'

/** An event in its room, about to be judged by the rules of those who are there. */
export interface Occasion {
  readonly event: PushEvent
  /** How many users are joined. */
  readonly memberCount: number
  readonly power: PowerLevelState
  /** If the event is in a thread, and anybody's rules ask for that: who subscribes to it. */
  readonly subscribers?: ReadonlySet<string> | undefined
}

/** Somebody whose rules judge. */
export interface Person {
  readonly userId: string
  /** In this room. */
  readonly displayName: string | undefined
}

/**
 * A condition, in two parts: what is the same for everybody, judged once, and what depends on the person. Both must
 * hold; a part that is missing does.
 */
export interface Condition {
  readonly holds?: (occasion: Occasion) => boolean
  readonly holdsFor?: (person: Person, occasion: Occasion) => boolean
}

/** Stands in the predefined rules for the ID of whoever they belong to; a lone surrogate is in no ID. */
export const OWN_USER_ID = '\udfff'

/** "Unrecognised conditions MUST NOT match any events." */
export const NEVER: Condition = { holds: () => false }

/** "Satisfied if and only if the event is part of a thread and the user is subscribed to the thread", or is not (MSC4306). */
export const THREAD_SUBSCRIPTION = 'io.element.msc4306.thread_subscription'

/** Reads a condition of a rule. */
export const compileCondition = (condition: RuleCondition): Condition => {
  const { kind, key, pattern, value, is, subscribed } = condition
  switch (kind) {
    case 'event_match':
      return typeof key === 'string' && typeof pattern === 'string' ? eventMatch(key, pattern) : NEVER
    case 'event_property_is':
      return typeof key === 'string' && isPlain(value) ? propertyIs(key, value) : NEVER
    case 'event_property_contains':
      return typeof key === 'string' && isPlain(value) ? propertyContains(key, value) : NEVER
    case 'contains_display_name':
      return CONTAINS_DISPLAY_NAME
    case 'room_member_count':
      return typeof is === 'string' ? memberCount(is) : NEVER
    case 'sender_notification_permission':
      return typeof key === 'string' ? mayNotify(key) : NEVER
    case THREAD_SUBSCRIPTION:
      return typeof subscribed === 'boolean' ? threadSubscription(subscribed) : NEVER
    default:
      return NEVER
  }
}

/** The condition of `content` rules, and of `event_match`: without regard to letter case. */
export const eventMatch = (key: string, pattern: string): Condition => {
  const path = propertyPath(key)
  if (pattern === OWN_USER_ID) {
    return {
      holds: ({ event }) => typeof event.value(path) === 'string',
      holdsFor: ({ userId }, { event }) => event.value(path) === userId,
    }
  }
  const glob = compileGlob(pattern.toLowerCase())
  const matches = key === 'content.body' ? globMatchesWords : globMatches
  return {
    holds: ({ event }) => {
      const text = event.lowered(path)
      return text !== undefined && matches(glob, text)
    },
  }
}

const propertyIs = (key: string, value: Plain): Condition => {
  const path = propertyPath(key)
  return { holds: ({ event }) => event.value(path) === value }
}

const propertyContains = (key: string, value: Plain): Condition => {
  const path = propertyPath(key)
  if (value !== OWN_USER_ID) return { holds: ({ event }) => event.items(path)?.has(value) === true }
  return {
    // Where nobody is mentioned nobody has to be looked at.
    holds: ({ event }) => (event.items(path)?.size ?? 0) > 0,
    holdsFor: ({ userId }, { event }) => event.items(path)?.has(userId) === true,
  }
}

const BODY = propertyPath('content.body')

const CONTAINS_DISPLAY_NAME: Condition = {
  holds: ({ event }) => event.lowered(BODY) !== undefined,
  holdsFor: ({ displayName = '' }, { event }) => {
    const name = displayName.toLowerCase()
    // The name is no pattern: its stars are stars.
    return name !== '' && containsWords(name, event.lowered(BODY) ?? '')
  },
}

const containsWords = (name: string, text: string): boolean => {
  const boundary = /[A-Za-z0-9_]/
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (!boundary.test(text.charAt(at - 1)) && !boundary.test(text.charAt(at + name.length))) return true
  }
  return false
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
}

const memberCount = (is: string): Condition => {
  const parts = /^(==|<=|>=|<|>)?([0-9]+)$/.exec(is)
  const compare = COMPARISONS[parts?.[1] ?? '==']
  if (parts === null || compare === undefined) return NEVER
  const limit = Number(parts[2])
  return { holds: occasion => compare(occasion.memberCount, limit) }
}

const threadSubscription = (subscribed: boolean): Condition => ({
  holds: ({ subscribers }) => subscribers !== undefined,
  holdsFor: ({ userId }, { subscribers }) => subscribers?.has(userId) === subscribed,
})

const mayNotify = (key: string): Condition => ({
  holds: ({ event, power }) => powerLevelOf(event.sender, power) >= levelToNotify(key, power),
})

type Plain = string | number | boolean | null

/** "Only supports non-compound canonical JSON values." */
const isPlain = (value: JsonValue | undefined): value is Plain =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isSafeInteger(value))
