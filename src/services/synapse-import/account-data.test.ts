import test from 'ava'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import { FilterReader } from '../../storage/accounts/filters.ts'
import { PushRulesReader } from '../../storage/push/push-rules.ts'
import { PusherReader } from '../../storage/push/pushers.ts'
import { imported, testImports } from '../../test-kit/synapse.ts'
import { filters, globalAccountData, roomAccountData, tags } from './account-data.ts'
import { pushRules } from './push-rules.ts'
import { pushers } from './pushers.ts'

const ANN = '@ann:a.test'
const ROOM = '!r:a.test'

testImports(test, 'account data, tags and filters come over', async (t, db, open, config) => {
  const source = await open({
    account_data: [
      { user_id: ANN, account_data_type: 'm.direct', stream_id: 1, content: '{"@ben:a.test":["!r:a.test"]}' },
      { user_id: ANN, account_data_type: 'broken', stream_id: 2, content: '[' },
    ],
    room_account_data: [
      {
        ...{ user_id: ANN, room_id: ROOM, account_data_type: 'm.fully_read', stream_id: 1 },
        content: '{"event_id":"$e"}',
      },
    ],
    room_tags: [
      { user_id: ANN, room_id: ROOM, tag: 'm.favourite', content: '{"order":0.5}' },
      { user_id: ANN, room_id: ROOM, tag: 'u.tea', content: '{}' },
      { user_id: ANN, room_id: '!s:a.test', tag: 'm.lowpriority', content: 'x' },
    ],
    user_filters: [
      { user_id: 'ann', full_user_id: ANN, filter_id: 0, filter_json: Buffer.from('{"room":{}}') },
      { user_id: 'ann', full_user_id: ANN, filter_id: 1, filter_json: Buffer.from('nonsense') },
    ],
  })
  const { came, left } = await imported({ db, source, config }, [
    ...[globalAccountData, roomAccountData, tags, filters],
  ])
  t.deepEqual(came, { 'account data': 4, filters: 1 })
  t.deepEqual(Object.values(left), [1, 1])
  const data = new AccountDataReader(db)
  t.is(await data.content(ANN, '', 'm.direct'), '{"@ben:a.test":["!r:a.test"]}')
  t.is(await data.content(ANN, ROOM, 'm.fully_read'), '{"event_id":"$e"}')
  t.deepEqual(JSON.parse((await data.content(ANN, ROOM, 'm.tag')) ?? ''), {
    tags: { 'm.favourite': { order: 0.5 }, 'u.tea': {} },
  })
  t.is(await new FilterReader(db).content(ANN, '0'), '{"room":{}}')
})

testImports(test, 'push rules and pushers come over', async (t, db, open, config) => {
  const rule = { user_name: ANN, priority: 0, conditions: '[]', actions: '["notify"]' }
  const pattern = (key: string, value: string) =>
    JSON.stringify([{ kind: 'event_match', key, pattern: value }])
  const pusher = {
    ...{ user_name: ANN, profile_tag: '', app_display_name: 'A', device_display_name: 'D', ts: 3 },
    ...{ lang: null, data: '{"url":"https://push.test/_matrix/push/v1/notify"}', device_id: 'D' },
  }
  const source = await open({
    push_rules: [
      { ...rule, id: 1, rule_id: 'global/override/low', priority_class: 5 },
      { ...rule, id: 2, rule_id: 'global/override/high', priority_class: 5, priority: 1 },
      {
        ...{ ...rule, id: 3, rule_id: 'global/content/tea', priority_class: 4 },
        conditions: pattern('content.body', 'tea'),
        actions: '["notify","coalesce",{"set_tweak":"highlight"}]',
      },
      {
        ...{ ...rule, id: 4, rule_id: `global/room/${ROOM}`, priority_class: 3, actions: '["dont_notify"]' },
        conditions: pattern('room_id', ROOM),
      },
      { ...rule, id: 5, rule_id: 'global/underride/.m.rule.message', priority_class: -1, actions: '[]' },
      { ...rule, id: 6, rule_id: 'global/override/bad', priority_class: 5, actions: '{}' },
    ],
    push_rules_enable: [
      { id: 1, user_name: ANN, rule_id: 'global/override/low', enabled: 0 },
      { id: 2, user_name: ANN, rule_id: 'global/override/.m.rule.master', enabled: 1 },
    ],
    pushers: [
      { ...pusher, id: 1, kind: 'http', app_id: 'app', pushkey: 'key' },
      { ...pusher, id: 2, kind: 'email', app_id: 'm.email', pushkey: 'Ann@a.test', data: '{}' },
      { ...pusher, id: 4, kind: 'http', app_id: 'off', pushkey: 'key', enabled: false },
      { ...pusher, id: 3, kind: 'pigeon', app_id: 'app', pushkey: 'coo' },
    ],
  })
  const { came, left } = await imported({ db, source, config }, [pushRules, pushers])
  t.deepEqual(came, { 'push rules of users': 5, pushers: 2 })
  t.deepEqual(left, {
    'push rules of users that cannot be read': 1,
    'pushers of unknown kinds': 1,
    'pushers that are switched off (MSC3881)': 1,
  })
  const row = await new PushRulesReader(db).ofUser(ANN)
  t.deepEqual(JSON.parse(row?.rules ?? ''), {
    own: {
      override: [
        { rule_id: 'high', enabled: true, actions: ['notify'], conditions: [] },
        { rule_id: 'low', enabled: false, actions: ['notify'], conditions: [] },
      ],
      content: [
        { rule_id: 'tea', enabled: true, actions: ['notify', { set_tweak: 'highlight' }], pattern: 'tea' },
      ],
      room: [{ rule_id: ROOM, enabled: true, actions: [] }],
    },
    defaults: { '.m.rule.message': { actions: [] }, '.m.rule.master': { enabled: true } },
  })
  t.deepEqual(
    (await new PusherReader(db).ofUser(ANN)).map(({ kind, pushkey, lang }) => [kind, pushkey, lang]),
    [
      ['http', 'key', 'en'],
      ['email', 'ann@a.test', 'en'],
    ],
  )
})
