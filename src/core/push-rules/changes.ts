import { fitsBytes, MAX_ID_BYTES } from '../ids.ts'
import {
  type Action,
  type DefaultChange,
  type OwnRule,
  RULE_KINDS,
  type RuleCondition,
  type RuleKind,
  type UserRules,
} from './rule.ts'
import { ruleOf } from './ruleset.ts'

/** Where a rule is to stand among the user's own of its kind. */
export interface RulePlace {
  /** Just before this rule: the next more important one. */
  readonly before?: string | undefined
  /** Just after it; `before` counts if both are given. */
  readonly after?: string | undefined
}

/**
 * Adds a rule, or changes the one with its ID, which stays where it is and switched on or off as it was, unless a place
 * is given. A new one is the user's most important of its kind.
 *
 * @returns `undefined` if the rule that the place names is not there
 */
export const withRule = (
  rules: UserRules,
  kind: RuleKind,
  rule: Omit<OwnRule, 'enabled'>,
  { before, after }: RulePlace = {},
): UserRules | undefined => {
  const present = rules.own[kind] ?? []
  const index = present.findIndex(({ rule_id }) => rule_id === rule.rule_id)
  const entry: OwnRule = { ...rule, enabled: present[index]?.enabled ?? true }
  const neighbour = before ?? after
  if (neighbour === undefined) {
    const list = index === -1 ? [entry, ...present] : present.with(index, entry)
    return withOwn(rules, kind, list)
  }
  const others = present.filter(({ rule_id }) => rule_id !== rule.rule_id)
  const at = others.findIndex(({ rule_id }) => rule_id === neighbour)
  if (at !== -1) return withOwn(rules, kind, others.toSpliced(before === undefined ? at + 1 : at, 0, entry))
  // Before or after itself: where it is.
  return neighbour === rule.rule_id && index !== -1
    ? withOwn(rules, kind, present.with(index, entry))
    : undefined
}

/** Removes a rule of the user's, or what they changed about a predefined one; `undefined` if there is nothing. */
export const withoutRule = (rules: UserRules, kind: RuleKind, ruleId: string): UserRules | undefined => {
  const present = rules.own[kind] ?? []
  const others = present.filter(({ rule_id }) => rule_id !== ruleId)
  if (others.length < present.length) return withOwn(rules, kind, others)
  if (!Object.hasOwn(rules.defaults, ruleId) || ruleOf(rules, '', kind, ruleId) === undefined)
    return undefined
  const { [ruleId]: _, ...defaults } = rules.defaults
  return { ...rules, defaults }
}

/** Changes whether a rule counts, or what it does; `undefined` if there is no such rule. */
export const withChange = (
  rules: UserRules,
  kind: RuleKind,
  ruleId: string,
  change: { readonly enabled?: boolean; readonly actions?: readonly Action[] },
): UserRules | undefined => {
  const rule = ruleOf(rules, '', kind, ruleId)
  if (rule === undefined) return undefined
  if (rule.default) {
    const before: DefaultChange = Object.hasOwn(rules.defaults, ruleId) ? (rules.defaults[ruleId] ?? {}) : {}
    return { ...rules, defaults: { ...rules.defaults, [ruleId]: { ...before, ...change } } }
  }
  const list = (rules.own[kind] ?? []).map(one => (one.rule_id === ruleId ? { ...one, ...change } : one))
  return withOwn(rules, kind, list)
}

/**
 * What is set for a room, set for another as well, just before it: the rule of the kind `room`, and those with a
 * condition on the room's ID, which is how clients silence rooms. What the other room has already stays.
 */
export const carriedOver = (rules: UserRules, from: string, to: string): UserRules => {
  let carried = rules
  for (const kind of RULE_KINDS) {
    for (const rule of rules.own[kind] ?? []) {
      const isAbout = kind === 'room' ? rule.rule_id === from : rule.conditions?.some(isOfRoom(from))
      if (isAbout !== true) continue
      const ruleId = rule.rule_id.includes(from) ? rule.rule_id.replaceAll(from, to) : `${rule.rule_id} ${to}`
      const present = carried.own[kind] ?? []
      if (!fitsBytes(ruleId, MAX_ID_BYTES) || present.some(({ rule_id }) => rule_id === ruleId)) continue
      const conditions = rule.conditions?.map(condition =>
        isOfRoom(from)(condition)
          ? { ...condition, ...(condition.kind === 'event_match' ? { pattern: to } : { value: to }) }
          : condition,
      )
      const copy: OwnRule = { ...rule, rule_id: ruleId, ...(conditions === undefined ? {} : { conditions }) }
      carried = withOwn(carried, kind, present.toSpliced(present.indexOf(rule), 0, copy))
    }
  }
  return carried
}

const isOfRoom =
  (roomId: string) =>
  ({ kind, key, pattern, value }: RuleCondition): boolean =>
    key === 'room_id' &&
    ((kind === 'event_match' && pattern === roomId) || (kind === 'event_property_is' && value === roomId))

const withOwn = (rules: UserRules, kind: RuleKind, list: readonly OwnRule[]): UserRules => ({
  ...rules,
  own: { ...rules.own, [kind]: list },
})
