import { MASTER_RULE, predefinedRules, THREAD_RULES } from './predefined.ts'
import type { PushRule, RuleKind, Ruleset, UserRules } from './rule.ts'

/** All rules of a user, in the order in which they are tried. */
export const rulesetOf = ({ own, defaults, followsThreads }: UserRules, userId: string): Ruleset => {
  const changed = (rule: PushRule): PushRule => ({
    ...rule,
    ...(Object.hasOwn(defaults, rule.rule_id) ? defaults[rule.rule_id] : {}),
  })
  const predefined = predefinedRules(userId)
  const ofKind = (kind: keyof typeof predefined): PushRule[] => [
    ...(own[kind] ?? []).map(rule => ({ ...rule, default: false })),
    ...predefined[kind].map(changed),
  ]
  return {
    override: [changed(MASTER_RULE), ...ofKind('override')],
    content: ofKind('content'),
    ...(followsThreads === true ? { postcontent: THREAD_RULES.map(changed) } : {}),
    room: ofKind('room'),
    sender: ofKind('sender'),
    underride: ofKind('underride'),
  }
}

/** One rule. */
export const ruleOf = (
  rules: UserRules,
  userId: string,
  kind: RuleKind,
  ruleId: string,
): PushRule | undefined => rulesetOf(rules, userId)[kind]?.find(rule => rule.rule_id === ruleId)
