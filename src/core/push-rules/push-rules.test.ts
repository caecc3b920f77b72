import test from 'ava'
import { ALICE, actionsFor, holds, occasion, override, power } from '../../test-kit/push-occasions.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { actionsProblem, parseActions } from './actions.ts'
import type { Occasion } from './conditions.ts'
import { parsePropertyPath } from './property-path.ts'
import { NO_RULES, type PushRule } from './rule.ts'
import { rulesetOf } from './ruleset.ts'

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
