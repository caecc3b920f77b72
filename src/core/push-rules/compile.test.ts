import test from 'ava'
import fc from 'fast-check'
import { ALICE, actionsFor, occasion, ROOM } from '../../test-kit/push-occasions.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { compileRules, judgeAll } from './compile.ts'
import type { Occasion, Person } from './conditions.ts'
import { type Action, type OwnRule, RULE_KINDS, type RuleCondition, type UserRules } from './rule.ts'
import { rulesetOf } from './ruleset.ts'

const anyCondition: fc.Arbitrary<RuleCondition> = fc.oneof(
  fc.record({
    kind: fc.constant('event_match'),
    key: fc.constantFrom('type', 'content.body', 'content.m\\.x', 'sender', 'state_key'),
    pattern: fc.constantFrom('*', 'm.*', 'tea', '@bob:*', ALICE, 't?a'),
  }),
  fc.record({
    kind: fc.constantFrom('event_property_is', 'event_property_contains'),
    key: fc.constantFrom('content.m\\.x', 'content.list', 'content.m\\.mentions.user_ids'),
    value: fc.constantFrom('tea', 1, true, null, ALICE),
  }),
  fc.record({ kind: fc.constant('room_member_count'), is: fc.constantFrom('2', '<3', '>=3', 'x') }),
  fc.constantFrom<RuleCondition>(
    { kind: 'contains_display_name' },
    { kind: 'sender_notification_permission', key: 'room' },
    { kind: 'unknown' },
  ),
)

const anyRules: fc.Arbitrary<UserRules> = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...RULE_KINDS),
      id: fc.constantFrom('r1', 'r2', ROOM, '@bob:here.test'),
      enabled: fc.boolean(),
      actions: fc.constantFrom<Action[]>([], ['notify'], ['notify', { set_tweak: 'highlight' }]),
      conditions: fc.array(anyCondition, { maxLength: 2 }),
      pattern: fc.constantFrom('tea', 't*a', '*'),
    }),
    { maxLength: 5 },
  )
  .map(list => {
    const own: Partial<Record<(typeof RULE_KINDS)[number], OwnRule[]>> = {}
    for (const { kind, id: rule_id, enabled, actions, conditions, pattern } of list) {
      if (own[kind]?.some(rule => rule.rule_id === rule_id) === true) continue
      const more = kind === 'content' ? { pattern } : kind.endsWith('ride') ? { conditions } : {}
      own[kind] = [...(own[kind] ?? []), { rule_id, enabled, actions, ...more }]
    }
    return { own, defaults: { '.m.rule.is_user_mention': { actions: ['notify'] } } }
  })

const anyEvent: fc.Arbitrary<JsonObject> = fc.record({
  type: fc.constantFrom('m.room.message', 'm.room.member', 'm.reaction', 'm.room.encrypted', 'x'),
  sender: fc.constantFrom('@bob:here.test', '@dora:here.test'),
  state_key: fc.constantFrom(ALICE, '', '@p1:here.test'),
  content: fc.record(
    {
      body: fc.constantFrom<JsonValue>('some tea', 'team', 'hello p1', 7),
      membership: fc.constantFrom('invite', 'join'),
      'm.x': fc.constantFrom<JsonValue>('tea', 1, true, null),
      list: fc.constantFrom<JsonValue>(['tea', 1], [], 'tea'),
      'm.mentions': fc.constantFrom<JsonValue>(
        { user_ids: [ALICE] },
        { user_ids: ['@p1:here.test'] },
        { room: true },
      ),
    },
    { requiredKeys: [] },
  ),
})

test('judging many at once comes to the same as asking each person, rule by rule', t => {
  const people: Person[] = [
    { userId: ALICE, displayName: 'tea' },
    { userId: '@p1:here.test', displayName: 'p1' },
    { userId: '@p2:here.test', displayName: undefined },
  ]
  fc.assert(
    fc.property(anyRules, anyEvent, fc.integer({ min: 1, max: 4 }), (rules, event, memberCount) => {
      const about = occasion(event, { memberCount })
      const together = new Map<string, string>()
      const alike = judgeAll(compileRules(rules), about, people)
      t.deepEqual(alike.flatMap(one => one.people).toSorted(byId), people.toSorted(byId))
      for (const { people: some, outcome } of alike)
        for (const { userId } of outcome === undefined ? [] : some)
          together.set(userId, JSON.stringify(outcome?.actions))
      for (const person of people) {
        t.is(together.get(person.userId), oneByOne(rules, event, about, person), JSON.stringify(rules))
      }
    }),
    { numRuns: randomRuns(200) },
  )
})

const byId = (a: Person, b: Person): number => (a.userId < b.userId ? -1 : 1)

/** Tries the rules as clients see them, each as a rule set of its own with nothing else in it. */
const oneByOne = (
  rules: UserRules,
  event: JsonObject,
  about: Occasion,
  person: Person,
): string | undefined => {
  const everything = rulesetOf(rules, person.userId)
  for (const kind of RULE_KINDS) {
    for (const rule of everything[kind] ?? []) {
      if (!rule.enabled) continue
      if (kind === 'room' && rule.rule_id !== about.event.roomId) continue
      if (kind === 'sender' && rule.rule_id !== about.event.sender) continue
      const conditions = [
        ...(rule.conditions ?? []),
        ...(kind === 'content'
          ? [{ kind: 'event_match', key: 'content.body', pattern: rule.pattern ?? '' }]
          : []),
      ]
      const alone: UserRules = {
        own: {
          override: [
            { rule_id: 'alone', enabled: true, actions: ['notify', { set_tweak: 'it' }], conditions },
          ],
        },
        defaults: {},
      }
      const fresh = occasion(event, { memberCount: about.memberCount })
      if (actionsFor(alone, fresh, person).includes('"it"')) return JSON.stringify(rule.actions)
    }
  }
  return undefined
}
