import test from 'ava'
import { knownVersion, RoomBuilder } from '../../test-kit/room-builder.ts'
import { readRoomLine, versionsIn } from '../../test-kit/room-lines.ts'
import type { RoomEvent } from '../event/event.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { authEventsFor } from './auth-events.ts'
import { checkAuthEvents } from './check-auth-events.ts'
import {
  CREATOR_POWER_LEVEL,
  levelTo,
  levelToNotify,
  levelToSend,
  type PowerLevelState,
  powerLevelOf,
  readLevel,
} from './power-levels.ts'
import { redactionAllowed } from './redaction-allowed.ts'

const PLACES: Readonly<Record<string, string>> = {
  'm.room.create': 'create',
  'm.room.power_levels': 'power',
  'm.room.join_rules': 'rules',
}

const selection = (line: string, version: string): string => {
  const places = authEventsFor(readRoomLine(line, knownVersion(version)), knownVersion(version)).map(
    ({ type, stateKey }) => PLACES[type] ?? (/^@(\w+)/.exec(stateKey)?.[1] || `invite ${stateKey}`),
  )
  return places.join(', ')
}

const third = (signed: JsonValue): string =>
  `X: alice state m.room.member "@bob:bob.test" ${JSON.stringify({ membership: 'invite', third_party_invite: { signed } })}`

for (const [line, selected, versions = '1-11'] of [
  ['X: alice create', ''],
  ['X: alice create', '', '12'],
  ['X: alice say hello', 'create, power, alice'],
  ['X: alice say hello', 'power, alice', '12'],
  ['X: alice topic hello', 'power, alice', '12'],
  ['X: alice join', 'create, power, alice, rules'],
  ['X: alice join', 'power, alice, rules', '12'],
  ['X: alice join bob', 'create, power, alice, rules', '1-7'],
  ['X: alice join bob', 'create, power, alice, rules, bob', '8-11'],
  ['X: alice join bob', 'power, alice, rules, bob', '12'],
  ['X: alice join alice', 'power, alice, rules', '12'],
  ['X: alice knock', 'create, power, alice, rules'],
  ['X: alice leave', 'create, power, alice'],
  ['X: alice kick bob', 'create, power, alice, bob'],
  ['X: alice ban bob', 'create, power, alice, bob'],
  ['X: alice invite bob', 'create, power, alice, bob, rules'],
  [third({ token: 'abc' }), 'create, power, alice, bob, rules, invite abc'],
  [third({ token: 'abc' }), 'power, alice, bob, rules, invite abc', '12'],
  [third({ token: 7 }), 'create, power, alice, bob, rules'],
  [third(null), 'create, power, alice, bob, rules'],
  ['X: alice send m.room.member {"membership":"join"}', 'create, power, alice, rules'],
  [
    'X: alice state m.room.member "@bob:bob.test" {"join_authorised_via_users_server":"@carol:c"}',
    'power, alice, bob',
    '12',
  ],
] as const) {
  test(`auth events of ${line} (v${versions})`, t => {
    for (const version of versionsIn(versions)) t.is(selection(line, version), selected)
  })
}

const checked = (room: RoomBuilder, line: string, rejected: readonly string[] = []): string | undefined => {
  const event = room.draft(line)
  const authEvents = event.authEvents.flatMap(eventId => room.load(eventId) ?? [])
  return checkAuthEvents(event, authEvents, eventId => rejected.includes(room.nameOf(eventId)))?.rule
}

test('an event is refused for auth events that should not be there, or are missing', t => {
  for (const version of versionsIn('1-12')) {
    const create = version === '12' ? '' : 'CREATE '
    const room = new RoomBuilder(version, [
      'CREATE: alice create',
      'JA: alice join',
      'PL: alice power alice=100',
    ])
    room.add(
      'JR: alice rule public',
      'JB: bob join',
      'PL2: alice power alice=100 bob=50',
      'M: alice say hello',
    )
    t.is(checked(room, 'X: alice say hi'), undefined)
    t.is(checked(room, `X: alice say hi | ${create}JA PL2`), undefined)
    t.is(checked(room, `X: alice say hi | ${create}JA`), undefined)
    t.is(checked(room, `X: alice say hi | ${create}JA PL PL2`), 'auth_events.duplicate')
    t.is(checked(room, `X: alice say hi | ${create}JA JA`), 'auth_events.duplicate')
    t.is(checked(room, `X: alice say hi | ${create}JA JB`), 'auth_events.not_selected')
    t.is(checked(room, `X: alice say hi | ${create}JA JR`), 'auth_events.not_selected')
    t.is(checked(room, `X: alice say hi | ${create}M`), 'auth_events.not_selected')
    t.is(checked(room, `X: alice say hi | ${create}JA PL`, ['PL']), 'auth_events.rejected')
    t.is(checked(room, `X: alice say hi | ${create}JA PL`, ['PL2']), undefined)
    t.is(checked(room, 'X: alice say hi | JA'), version === '12' ? undefined : 'auth_events.no_create')
    t.is(
      checked(room, 'X: alice say hi | CREATE JA'),
      version === '12' ? 'auth_events.not_selected' : undefined,
    )
    t.is(checked(room, 'X: alice create'), undefined)
  }
})

test('an event is refused for auth events of another room', t => {
  for (const version of ['11', '12']) {
    const room = new RoomBuilder(version, ['CREATE: alice create', 'JA: alice join'])
    const event = room.draft('X: alice say hi')
    const authEvents = event.authEvents.flatMap(eventId => room.load(eventId) ?? [])
    const moved = authEvents.map((authEvent): RoomEvent => ({ ...authEvent, roomId: '!other:alice.test' }))
    t.is(
      checkAuthEvents(event, authEvents, () => false),
      undefined,
    )
    t.is(checkAuthEvents(event, moved, () => false)?.rule, 'auth_events.other_room')
  }
})

test('levels are read as each version allows', t => {
  const rows: readonly (readonly [JsonValue | undefined, number | undefined, number | undefined])[] = [
    [50, 50, 50],
    [-50, -50, -50],
    [2 ** 53 - 1, 2 ** 53 - 1, 2 ** 53 - 1],
    ['50', 50, undefined],
    [' +00050\n', 50, undefined],
    ['-7', -7, undefined],
    ['5 0', undefined, undefined],
    ['0x10', undefined, undefined],
    ['1e3', undefined, undefined],
    ['', undefined, undefined],
    ['9007199254740993', undefined, undefined],
    [50.99, 50, undefined],
    [-50.99, -50, undefined],
    [5.114698e4, 51146, undefined],
    [1e300, 1e300, undefined],
    [Number.POSITIVE_INFINITY, undefined, undefined],
    [true, undefined, undefined],
    [null, undefined, undefined],
    [[50], undefined, undefined],
    [{}, undefined, undefined],
    [undefined, undefined, undefined],
  ]
  for (const [value, before, since] of rows) {
    for (const version of versionsIn('1-9'))
      t.is(readLevel(value, knownVersion(version)), before, String(value))
    for (const version of versionsIn('10-12'))
      t.is(readLevel(value, knownVersion(version)), since, String(value))
  }
})

const create = { sender: '@alice:a', content: { creator: '@bob:b', additional_creators: ['@carol:c', 7] } }
const powersIn = (version: string, content?: JsonObject): PowerLevelState => ({
  powerLevels: content && { content },
  create,
  version: knownVersion(version),
})

test('levels of users: creators, their own, the default', t => {
  const levels = (version: string, content?: JsonObject): number[] =>
    ['@alice:a', '@bob:b', '@carol:c', '@dave:d'].map(user => powerLevelOf(user, powersIn(version, content)))
  t.deepEqual(levels('10'), [0, 100, 0, 0])
  t.deepEqual(levels('11'), [100, 0, 0, 0])
  t.deepEqual(levels('12'), [CREATOR_POWER_LEVEL, 0, CREATOR_POWER_LEVEL, 0])
  const content = { users: { '@alice:a': 10, '@bob:b': '20' }, users_default: 5 }
  t.deepEqual(levels('9', content), [10, 20, 5, 5])
  t.deepEqual(levels('10', content), [10, 5, 5, 5])
  t.deepEqual(levels('12', content), [CREATOR_POWER_LEVEL, 5, CREATOR_POWER_LEVEL, 5])
  t.deepEqual(levels('11', { users: null }), [0, 0, 0, 0])
  t.true(CREATOR_POWER_LEVEL > Number.MAX_SAFE_INTEGER)
})

test('levels of actions, events and notifications, and what holds where nothing is said', t => {
  const everything = (state: PowerLevelState): number[] => [
    ...(['ban', 'kick', 'redact', 'invite'] as const).map(action => levelTo(action, state)),
    levelToSend('m.room.topic', true, state),
    levelToSend('m.room.message', false, state),
    levelToSend('constructor', true, state),
    levelToNotify('room', state),
    levelToNotify('toString', state),
  ]
  const defaults = [50, 50, 50, 0, 50, 0, 50, 50, 50]
  for (const version of versionsIn('1-12')) {
    t.deepEqual(everything(powersIn(version)), defaults)
    t.deepEqual(everything(powersIn(version, { events: [], notifications: 'none', ban: null })), defaults)
    const events = { 'm.room.topic': 6, 'm.room.message': 7 }
    const said = { ban: 1, kick: 2, redact: 3, invite: 4, state_default: 5, events_default: 9, events }
    const levels = everything(powersIn(version, { ...said, notifications: { room: 8 } }))
    t.deepEqual(levels, [1, 2, 3, 4, 6, 7, 5, 8, 50])
    t.is(levelToSend('m.room.name', false, powersIn(version, said)), 9)
  }
})

test('from v3 on a redaction applies by the redact level, or within a server', t => {
  const target = { type: 'm.room.message', sender: '@erin:b', roomId: '!r' }
  for (const [version, sender, refused] of [
    ['2', '@mallory:m', undefined],
    ['3', '@mallory:m', 'redaction.power'],
    ['11', '@mallory:m', 'redaction.power'],
    ['12', '@mallory:m', 'redaction.power'],
    ['3', '@dave:b', undefined],
    ['12', '@mod:m', undefined],
    ['12', '@alice:a', undefined],
  ] as const) {
    const redaction = { sender, roomId: '!r', version: knownVersion(version) }
    const state = powersIn(version, { users: { '@mod:m': 50 } })
    t.is(redactionAllowed(redaction, target, state)?.rule, refused)
    const elsewhere = { ...target, roomId: '!other' }
    t.is(redactionAllowed(redaction, elsewhere, state)?.rule, 'redaction.other_room')
  }
})

test('a create event of which a redaction would leave nothing but the creator is left as it is', t => {
  const target = { type: 'm.room.create', sender: '@alice:a', roomId: '!r' }
  for (const id of versionsIn('1-12')) {
    const redaction = { sender: '@alice:a', roomId: '!r', version: knownVersion(id) }
    const rule = redactionAllowed(redaction, target, powersIn(id))?.rule
    t.is(rule, Number(id) < 11 ? 'redaction.create' : undefined, id)
  }
})
