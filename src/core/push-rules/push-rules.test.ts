import test from 'ava'
import fc from 'fast-check'
import { knownVersion } from '../../test-kit/room-builder.ts'
import { compileGlob } from '../glob.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { actionsProblem, parseActions } from './actions.ts'
import { carriedOver, withChange, withoutRule, withRule } from './changes.ts'
import { compileRules, judge } from './compile.ts'
import type { Occasion, Person } from './conditions.ts'
import { parsePropertyPath } from './property-path.ts'
import { PushEvent } from './push-event.ts'
import {
  type Action,
  NO_RULES,
  type OwnRule,
  type PushRule,
  RULE_KINDS,
  type RuleCondition,
  type UserRules,
} from './rule.ts'
import { rulesetOf } from './ruleset.ts'
import { globMatchesWords } from './word-glob.ts'

const ALICE = '@alice:here.test'
const ROOM = '!room:here.test'
const version = knownVersion('11')

const power = (users: JsonObject = {}): Occasion['power'] => ({
  version,
  create: { sender: '@creator:here.test', content: {} },
  powerLevels: { content: { users } },
})

const occasion = (event: JsonObject, more: Partial<Omit<Occasion, 'event'>> = {}): Occasion => ({
  event: new PushEvent({ sender: '@bob:here.test', room_id: ROOM, type: 'm.room.message', ...event }),
  memberCount: 3,
  power: power(),
  ...more,
})

/** The actions of the rule that matches for one person, as text; `-` if none does. */
const actionsFor = (
  rules: UserRules,
  about: Occasion,
  person: Person = { userId: ALICE, displayName: 'Alice' },
): string => {
  let actions = '-'
  judge(compileRules(rules), about, [person], (_, outcome) => {
    actions = JSON.stringify(outcome.actions)
  })
  return actions
}

const override = (conditions: readonly RuleCondition[]): UserRules => ({
  own: { override: [{ rule_id: 'own', enabled: true, actions: ['notify'], conditions }] },
  defaults: {},
})

const holds = (condition: RuleCondition, about: Occasion): boolean =>
  actionsFor({ ...override([condition]), defaults: { '.m.rule.message': { enabled: false } } }, about) ===
  '["notify"]'

test('the predefined rules of v1.19 stand in order, with the master rule before all', t => {
  const ids = (rules: readonly PushRule[]): string[] =>
    rules.map(rule => rule.rule_id.slice('.m.rule.'.length))
  const set = rulesetOf(override([]), ALICE)
  t.deepEqual(ids(set.override.filter(rule => rule.default)), [
    ...['master', 'suppress_notices', 'invite_for_me', 'member_event', 'is_user_mention', 'is_room_mention'],
    ...['tombstone', 'reaction', 'room.server_acl', 'suppress_edits'],
  ])
  t.is(set.override[1]?.rule_id, 'own')
  t.deepEqual(ids(set.underride), [
    ...['call', 'encrypted_room_one_to_one', 'room_one_to_one', 'message', 'encrypted'],
  ])
  t.deepEqual(
    set.override.filter(rule => !rule.enabled).map(rule => rule.rule_id),
    ['.m.rule.master'],
  )
  t.is(JSON.stringify(set).includes(ALICE), true)
  t.is(actionsFor(NO_RULES, occasion({})), '["notify"]')
})

test('what the predefined rules say about usual events', t => {
  const sound = '{"set_tweak":"sound","value":"default"}'
  const highlight = '{"set_tweak":"highlight"}'
  const message = (content: JsonObject): JsonObject => ({ type: 'm.room.message', content })
  const cases: [JsonObject, string, Partial<Omit<Occasion, 'event'>>?][] = [
    [message({ msgtype: 'm.text', body: 'hello' }), '["notify"]'],
    [message({ msgtype: 'm.text', body: 'hello' }), `["notify",${sound}]`, { memberCount: 2 }],
    [message({ msgtype: 'm.notice', body: 'beep' }), '[]'],
    [message({ 'm.mentions': { user_ids: [ALICE] } }), `["notify",${sound},${highlight}]`],
    [message({ 'm.mentions': { user_ids: ['@carol:here.test'] } }), '["notify"]'],
    [message({ 'm.mentions': { room: true } }), '["notify"]'],
    [
      message({ 'm.mentions': { room: true } }),
      `["notify",${highlight}]`,
      { power: power({ '@bob:here.test': 50 }) },
    ],
    [message({ 'm.relates_to': { rel_type: 'm.replace', event_id: '$1' } }), '[]'],
    [{ type: 'm.reaction', content: {} }, '[]'],
    [{ type: 'm.room.member', state_key: ALICE, content: { membership: 'invite' } }, `["notify",${sound}]`],
    [{ type: 'm.room.member', state_key: '@carol:here.test', content: { membership: 'invite' } }, '[]'],
    [{ type: 'm.room.tombstone', state_key: '', content: {} }, `["notify",${highlight}]`],
    [{ type: 'm.room.tombstone', content: {} }, '-'],
    [{ type: 'm.room.server_acl', state_key: '', content: {} }, '[]'],
    [{ type: 'm.call.invite', content: {} }, '["notify",{"set_tweak":"sound","value":"ring"}]'],
    [{ type: 'm.room.encrypted', content: {} }, '["notify"]'],
    [{ type: 'm.room.encrypted', content: {} }, `["notify",${sound}]`, { memberCount: 2 }],
    [{ type: 'm.room.topic', state_key: '', content: {} }, '-'],
  ]
  for (const [event, expected, more] of cases) {
    t.is(actionsFor(NO_RULES, occasion(event, more)), expected, JSON.stringify(event))
  }
  const silent = { own: {}, defaults: { '.m.rule.master': { enabled: true } } }
  t.is(actionsFor(silent, occasion(message({ 'm.mentions': { user_ids: [ALICE] } }))), '[]')
})

test('event_match: whole values, words of the body, no matter the case', t => {
  const match = (key: string, pattern: string, event: JsonObject): boolean =>
    holds({ kind: 'event_match', key, pattern }, occasion(event))
  const topic = (value: JsonValue): JsonObject => ({ type: 'x', content: { topic: value } })
  for (const value of ['Lunch plans', 'LUNCH']) t.true(match('content.topic', 'lunc?*', topic(value)), value)
  for (const value of [' lunch', 'lunc', null, 5]) t.false(match('content.topic', 'lunc?*', topic(value)))
  t.false(match('content.absent', '*', topic('x')))
  const body = (text: string): JsonObject => ({ type: 'x', content: { body: text } })
  for (const text of ['An example event.', 'exple', 'An exciting triple-whammy']) {
    t.true(match('content.body', 'ex*ple', body(text)), text)
  }
  for (const text of ['texple', 'example_', 'exampleß'.replace('ß', '1')]) {
    t.false(match('content.body', 'ex*ple', body(text)), text)
  }
  t.true(match('content.body', 'caf?', body('to the café')))
  t.true(match('content.body', 'naïve', body('NAÏVEé')), 'letters outside the sets are boundaries')
  t.false(match('__proto__.toString', '*', body('x')))
})

test('properties are compared exactly, under escaped paths', t => {
  t.deepEqual(parsePropertyPath('content.m\\.relates_to.a\\\\b.c\\x'), [
    'content',
    'm.relates_to',
    'a\\b',
    'c\\x',
  ])
  t.deepEqual(parsePropertyPath('a..\\'), ['a', '', '\\'])
  const event = { type: 'x', content: { 'm.federate': true, n: null, list: ['a', 1, { b: 1 }], one: 1 } }
  const is = (key: string, value: JsonValue): boolean =>
    holds({ kind: 'event_property_is', key, value: value as string }, occasion(event))
  t.true(is('content.m\\.federate', true))
  t.false(is('content.m\\.federate', 'true'))
  t.false(is('content.m\\.federate', 1))
  t.false(is('content.m.federate', true))
  t.true(is('content.n', null))
  t.false(is('content.missing', null))
  t.false(is('content.list', ['a', 1, { b: 1 }]))
  const contains = (key: string, value: JsonValue): boolean =>
    holds({ kind: 'event_property_contains', key, value: value as string }, occasion(event))
  t.true(contains('content.list', 'a'))
  t.true(contains('content.list', 1))
  t.false(contains('content.list', '1'))
  t.false(contains('content.list', { b: 1 }))
  t.false(contains('content.one', 1))
})

test('the other conditions, and those that nobody knows', t => {
  const count = (is: string, memberCount: number): boolean =>
    holds({ kind: 'room_member_count', is }, occasion({ type: 'x' }, { memberCount }))
  for (const is of ['2', '==2', '<3', '>1', '<=2', '>=2']) t.true(count(is, 2), is)
  for (const is of ['3', '==3', '<2', '>2', '<=1', '>=3', '=2', '', '2 ', '-2']) t.false(count(is, 2), is)
  const named = (displayName: string | undefined, body: string): string =>
    actionsFor(override([{ kind: 'contains_display_name' }]), occasion({ type: 'x', content: { body } }), {
      userId: ALICE,
      displayName,
    })
  t.is(named('Al*', 'hey AL*!'), '["notify"]')
  t.is(named('Al*', 'hey Alice!'), '-')
  t.is(named('', 'hey'), '-')
  t.is(named(undefined, 'undefined'), '-')
  t.is(named('a', 'banana, a'), '["notify"]')
  const allowed = (key: string, level: number): boolean =>
    holds(
      { kind: 'sender_notification_permission', key },
      occasion({ type: 'x' }, { power: power({ '@bob:here.test': level }) }),
    )
  t.deepEqual([allowed('room', 49), allowed('room', 50)], [false, true])
  for (const condition of [{ kind: 'device' }, { kind: 'event_match', key: 'type' }]) {
    t.false(holds(condition, occasion({ type: 'x' })))
  }
})

test('actions: tweaks, defaults, and what older versions said', t => {
  const read = parseActions([
    'dont_notify',
    'notify',
    { set_tweak: 'highlight' },
    { set_tweak: 'x', value: 2 },
  ])
  t.deepEqual(read, {
    notify: true,
    highlight: true,
    tweaks: { highlight: true, x: 2 },
    actions: ['notify', { set_tweak: 'highlight' }, { set_tweak: 'x', value: 2 }],
  })
  t.false(parseActions([{ set_tweak: 'highlight', value: false }]).highlight)
  t.deepEqual(parseActions(['dont_notify']), parseActions([]))
  t.is(actionsProblem(['notify', 'coalesce', { set_tweak: 'sound' }]), undefined)
  for (const wrong of ['shout', {}, { set_tweak: 1 }]) t.truthy(actionsProblem([wrong]))
})

test('rules are added, moved, changed, taken away and put back', t => {
  const rule = (rule_id: string): Omit<OwnRule, 'enabled'> => ({ rule_id, actions: [], conditions: [] })
  const order = (rules: UserRules | undefined): string =>
    (rules?.own.override ?? []).map(one => `${one.rule_id}${one.enabled ? '' : '-'}`).join('')
  let rules: UserRules = NO_RULES
  const apply = (next: UserRules | undefined): string => {
    if (next !== undefined) rules = next
    return next === undefined ? 'refused' : order(rules)
  }
  const put = (id: string, place = {}): string => apply(withRule(rules, 'override', rule(id), place))
  t.is(put('a'), 'a')
  t.is(put('b'), 'ba')
  t.is(put('c', { before: 'a' }), 'bca')
  t.is(put('d', { after: 'b' }), 'bdca')
  t.is(put('b', { after: 'a' }), 'dcab')
  t.is(put('b', { before: 'c', after: 'a' }), 'dbca')
  t.is(put('x', { before: '.m.rule.master' }), 'refused')
  t.is(put('b', { after: 'b' }), 'dbca')
  t.is(apply(withChange(rules, 'override', 'c', { enabled: false })), 'dbc-a')
  t.is(put('c'), 'dbc-a')
  t.is(apply(withoutRule(rules, 'override', 'd')), 'bc-a')
  t.is(apply(withoutRule(rules, 'override', 'd')), 'refused')
  t.is(apply(withoutRule(rules, 'override', '.m.rule.master')), 'refused')
  t.is(apply(withChange(rules, 'override', '.m.rule.nothing', { enabled: false })), 'refused')
  t.is(apply(withChange(rules, 'underride', '.m.rule.master', { enabled: true })), 'refused')
  apply(withChange(rules, 'override', '.m.rule.master', { enabled: true }))
  apply(withChange(rules, 'override', '.m.rule.master', { actions: ['notify'] }))
  const master = (): string => {
    const one = rulesetOf(rules, ALICE).override[0]
    return JSON.stringify([one?.rule_id, one?.enabled, one?.actions, one?.default])
  }
  t.is(master(), '[".m.rule.master",true,["notify"],true]')
  apply(withoutRule(rules, 'override', '.m.rule.master'))
  t.is(master(), '[".m.rule.master",false,[],true]')
})

test('words in a text are found as a plain expression finds them', t => {
  const pieces = fc.array(fc.constantFrom('a', 'b', '_', '-', ' ', '*', '?', '\u{1f600}', 'é'), {
    maxLength: 7,
  })
  const text = fc.array(fc.constantFrom('a', 'b', '_', '-', ' ', '\u{1f600}', 'é', '\n'), { maxLength: 12 })
  fc.assert(
    fc.property(pieces, text, (pattern, value) => {
      const source = pattern.map(one => (one === '*' ? '[^]*' : one === '?' ? '[^]' : one))
      const oracle = new RegExp(`(?<![A-Za-z0-9_])${source.join('')}(?![A-Za-z0-9_])`, 'u')
      t.is(globMatchesWords(compileGlob(pattern.join('')), value.join('')), oracle.test(value.join('')))
    }),
    { numRuns: 2_000 },
  )
})

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
      judge(compileRules(rules), about, people, (person, { actions }) =>
        together.set(person.userId, JSON.stringify(actions)),
      )
      for (const person of people) {
        t.is(together.get(person.userId), oneByOne(rules, event, about, person), JSON.stringify(rules))
      }
    }),
    { numRuns: 1_000 },
  )
})

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

test('what is set for a room holds for the one that replaces it', t => {
  const [from, to] = ['!old:x', '!new']
  const muted = { kind: 'event_match', key: 'room_id', pattern: from }
  const rule = (rule_id: string, more: object = {}) => ({ rule_id, enabled: true, actions: [], ...more })
  const rules: UserRules = {
    own: {
      override: [
        rule('cake', { conditions: [{ kind: 'contains_display_name' }] }),
        rule(from, { conditions: [muted], enabled: false }),
        rule('night', { conditions: [{ ...muted, kind: 'event_property_is', value: from }, muted] }),
      ],
      room: [rule('!other:x'), rule(from, { actions: ['notify'] })],
      sender: [rule('@a:x')],
    },
    defaults: {},
  }
  const carried = carriedOver(rules, from, to)
  const ids = (list: readonly { rule_id: string }[] = []) => list.map(({ rule_id }) => rule_id)
  t.deepEqual(ids(carried.own.override), ['cake', to, from, `night ${to}`, 'night'])
  t.like(carried.own.override?.[1], { enabled: false, conditions: [{ pattern: to }] })
  t.deepEqual(carried.own.override?.[3]?.conditions?.[1], { ...muted, pattern: to })
  t.deepEqual(ids(carried.own.room), ['!other:x', to, from])
  t.deepEqual(carried.own.sender, rules.own.sender)
  t.deepEqual(carriedOver(carried, from, to), carried, 'once')
})
