import test from 'ava'
import { ALICE } from '../../test-kit/push-occasions.ts'
import { carriedOver, withChange, withoutRule, withRule } from './changes.ts'
import { NO_RULES, type OwnRule, type UserRules } from './rule.ts'
import { rulesetOf } from './ruleset.ts'

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
