/** Events as push rules see them, and what the rules say. */
import type { JsonObject } from '../core/json.ts'
import { compileRules, judgeAll } from '../core/push-rules/compile.ts'
import type { Occasion, Person } from '../core/push-rules/conditions.ts'
import { PushEvent } from '../core/push-rules/push-event.ts'
import type { RuleCondition, UserRules } from '../core/push-rules/rule.ts'
import { knownVersion } from './room-builder.ts'

export const ALICE = '@alice:here.test'
export const ROOM = '!room:here.test'
export const version = knownVersion('11')

export const power = (users: JsonObject = {}): Occasion['power'] => ({
  version,
  create: { sender: '@creator:here.test', content: {} },
  powerLevels: { content: { users } },
})

export const occasion = (event: JsonObject, more: Partial<Omit<Occasion, 'event'>> = {}): Occasion => ({
  event: new PushEvent({ sender: '@bob:here.test', room_id: ROOM, type: 'm.room.message', ...event }),
  memberCount: 3,
  power: power(),
  ...more,
})

/** The actions of the rule that matches for one person, as text; `-` if none does. */
export const actionsFor = (
  rules: UserRules,
  about: Occasion,
  person: Person = { userId: ALICE, displayName: 'Alice' },
): string => {
  const [alike] = judgeAll(compileRules(rules), about, [person])
  return alike?.outcome === undefined ? '-' : JSON.stringify(alike.outcome.actions)
}

export const override = (conditions: readonly RuleCondition[]): UserRules => ({
  own: { override: [{ rule_id: 'own', enabled: true, actions: ['notify'], conditions }] },
  defaults: {},
})

export const holds = (condition: RuleCondition, about: Occasion): boolean =>
  actionsFor({ ...override([condition]), defaults: { '.m.rule.message': { enabled: false } } }, about) ===
  '["notify"]'
