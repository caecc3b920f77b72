import { type Outcome, parseActions } from './actions.ts'
import {
  type Condition,
  compileCondition,
  eventMatch,
  type Occasion,
  OWN_USER_ID,
  type Person,
  THREAD_SUBSCRIPTION,
} from './conditions.ts'
import type { PushRule, UserRules } from './rule.ts'
import { rulesetOf } from './ruleset.ts'

/** A rule that is switched on, read. */
interface CompiledRule {
  readonly outcome: Outcome
  /** What is the same for everybody. */
  readonly common: readonly NonNullable<Condition['holds']>[]
  readonly personal: readonly NonNullable<Condition['holdsFor']>[]
}

/** One step through a rule set: a rule, or the one rule among many that are told apart by a key. */
type Step = (occasion: Occasion) => CompiledRule | undefined

/** A rule set, read once to judge many events for all who have it. */
export interface CompiledRules {
  readonly steps: readonly Step[]
  /** Whether any rule asks for people's display names. */
  readonly needsDisplayName: boolean
  /** Whether any asks for their subscriptions to threads. */
  readonly needsSubscriptions: boolean
}

const conditionsOf = (rule: PushRule): Condition[] => (rule.conditions ?? []).map(compileCondition)

const compiledRule = (rule: PushRule, conditions: readonly Condition[]): CompiledRule => ({
  outcome: parseActions(rule.actions),
  common: conditions.flatMap(({ holds }) => holds ?? []),
  personal: conditions.flatMap(({ holdsFor }) => holdsFor ?? []),
})

const step = (rule: PushRule, conditions: readonly Condition[]): Step => {
  const compiled = compiledRule(rule, conditions)
  return () => compiled
}

/** Rules whose ID is the room or the sender: a look-up, however many there are. */
const table = (rules: readonly PushRule[], keyOf: (occasion: Occasion) => string): Step[] => {
  if (rules.length === 0) return []
  const byKey = new Map<string, CompiledRule>(rules.map(rule => [rule.rule_id, compiledRule(rule, [])]))
  return [occasion => byKey.get(keyOf(occasion))]
}

/** Reads what users have set. The result is good for everybody who has set the same. */
export const compileRules = (rules: UserRules): CompiledRules => {
  const set = rulesetOf(rules, OWN_USER_ID)
  const enabled = (kind: keyof typeof set): PushRule[] => (set[kind] ?? []).filter(rule => rule.enabled)
  const conditional = [...enabled('override'), ...enabled('postcontent'), ...enabled('underride')]
  const asksFor = (name: string): boolean =>
    conditional.some(({ conditions = [] }) => conditions.some(({ kind }) => kind === name))
  return {
    needsDisplayName: asksFor('contains_display_name'),
    needsSubscriptions: asksFor(THREAD_SUBSCRIPTION),
    steps: [
      ...enabled('override').map(rule => step(rule, conditionsOf(rule))),
      ...enabled('content').map(rule => step(rule, [eventMatch('content.body', rule.pattern ?? '')])),
      ...enabled('postcontent').map(rule => step(rule, conditionsOf(rule))),
      ...table(enabled('room'), ({ event }) => event.roomId),
      ...table(enabled('sender'), ({ event }) => event.sender),
      ...enabled('underride').map(rule => step(rule, conditionsOf(rule))),
    ],
  }
}

/** People to whom an event is the same. */
export interface JudgedAlike<P extends Person> {
  readonly people: readonly P[]
  /** What the most important rule that matches says; `undefined` where none does. */
  readonly outcome: Outcome | undefined
}

/**
 * Judges an event for people who have the same rules: everybody is among those of one outcome. What does not depend on the person
 * is judged once for all of them.
 */
export const judgeAll = <P extends Person>(
  { steps }: Pick<CompiledRules, 'steps'>,
  occasion: Occasion,
  people: readonly P[],
): JudgedAlike<P>[] => {
  const alike: JudgedAlike<P>[] = []
  let left = people
  const holds = (condition: CompiledRule['common'][number]): boolean => condition(occasion)
  for (const next of steps) {
    if (left.length === 0) break
    const rule = next(occasion)
    if (rule === undefined || !rule.common.every(holds)) continue
    const { outcome, personal } = rule
    if (personal.length === 0) return [...alike, { people: left, outcome }]
    const matched = left.filter(person => personal.every(holdsFor => holdsFor(person, occasion)))
    if (matched.length === 0) continue
    alike.push({ people: matched, outcome })
    const these = new Set(matched)
    left = left.filter(person => !these.has(person))
  }
  return left.length === 0 ? alike : [...alike, { people: left, outcome: undefined }]
}
