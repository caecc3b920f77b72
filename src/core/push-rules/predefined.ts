import { THREAD_SUBSCRIPTION } from './conditions.ts'
import type { Action, PushRule, RuleCondition, RuleKind } from './rule.ts'

const DEFAULT_SOUND = { set_tweak: 'sound', value: 'default' }
const HIGHLIGHT = { set_tweak: 'highlight' }

const matches = (key: string, pattern: string): RuleCondition => ({ kind: 'event_match', key, pattern })
const isType = (type: string): RuleCondition => matches('type', type)
const TWO_MEMBERS: RuleCondition = { kind: 'room_member_count', is: '2' }

const rule = (
  name: string,
  conditions: readonly RuleCondition[],
  actions: readonly Action[] = [],
): PushRule => ({ rule_id: `.m.rule.${name}`, default: true, enabled: true, conditions, actions })

/** "Always a higher priority than any other rule", the user's own included; switched off by default. */
export const MASTER_RULE: PushRule = { ...rule('master', []), enabled: false }

const overrides = (userId: string): PushRule[] => [
  rule('suppress_notices', [matches('content.msgtype', 'm.notice')]),
  rule(
    'invite_for_me',
    [isType('m.room.member'), matches('content.membership', 'invite'), matches('state_key', userId)],
    ['notify', DEFAULT_SOUND],
  ),
  rule('member_event', [isType('m.room.member')]),
  rule(
    'is_user_mention',
    [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }],
    ['notify', DEFAULT_SOUND, HIGHLIGHT],
  ),
  rule(
    'is_room_mention',
    [
      { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
      { kind: 'sender_notification_permission', key: 'room' },
    ],
    ['notify', HIGHLIGHT],
  ),
  rule('tombstone', [isType('m.room.tombstone'), matches('state_key', '')], ['notify', HIGHLIGHT]),
  rule('reaction', [isType('m.reaction')]),
  rule('room.server_acl', [isType('m.room.server_acl'), matches('state_key', '')]),
  rule('suppress_edits', [
    { kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' },
  ]),
]

const UNDERRIDES: readonly PushRule[] = [
  rule('call', [isType('m.call.invite')], ['notify', { set_tweak: 'sound', value: 'ring' }]),
  rule('encrypted_room_one_to_one', [TWO_MEMBERS, isType('m.room.encrypted')], ['notify', DEFAULT_SOUND]),
  rule('room_one_to_one', [TWO_MEMBERS, isType('m.room.message')], ['notify', DEFAULT_SOUND]),
  rule('message', [isType('m.room.message')], ['notify']),
  rule('encrypted', [isType('m.room.encrypted')], ['notify']),
]

const ofThreads = (name: string, subscribed: boolean, actions: readonly Action[]): PushRule => ({
  ...rule('', [{ kind: THREAD_SUBSCRIPTION, subscribed }], actions),
  rule_id: `.io.element.msc4306.rule.${name}`,
})

/** Of those who subscribe to threads (MSC4306): what is said in others is no news, what is said in these always is. */
export const THREAD_RULES: readonly PushRule[] = [
  ofThreads('unsubscribed_thread', false, []),
  ofThreads('subscribed_thread', true, ['notify', DEFAULT_SOUND]),
]

/**
 * The rules that every user has (v1.19, "Predefined Rules"), in order, apart from the master rule, which stands before
 * all others. They come after the user's own of their kind.
 *
 * @param userId whom the rules about mentions and invitations speak of
 */
export const predefinedRules = (
  userId: string,
): Readonly<Record<Exclude<RuleKind, 'postcontent'>, readonly PushRule[]>> => ({
  override: overrides(userId),
  content: [],
  room: [],
  sender: [],
  underride: UNDERRIDES,
})
