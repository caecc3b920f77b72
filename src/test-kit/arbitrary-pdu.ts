import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../core/json.ts'
import { anyJson, objectOf } from './arbitrary-json.ts'
import { allVersions, pduOf } from './pdus.ts'

/** Any object, often with members that rules read. */
export const anyObject: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('users', 'events', 'ban', 'membership')), anyJson), {
    maxLength: 5,
  })
  .map(objectOf)

export const anyVersion = fc.constantFrom(...allVersions)

/** Members of an event that rules read, each of any value. */
const MEMBERS = [
  ...['type', 'state_key', 'sender', 'room_id', 'event_id', 'redacts', 'content', 'depth', 'unsigned'],
  ...['prev_events', 'auth_events', 'hashes', 'signatures', 'origin_server_ts', 'origin', 'prev_state'],
]

const TYPES = [
  ...['m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules', 'm.room.aliases'],
  ...['m.room.third_party_invite', 'm.room.redaction', 'm.room.history_visibility', 'm.room.message'],
]

const CONTENT = [
  ...['membership', 'users', 'users_default', 'events', 'ban', 'kick', 'invite', 'redact', 'notifications'],
  ...['join_rule', 'allow', 'creator', 'm.federate', 'room_version', 'additional_creators', 'redacts'],
  ...['third_party_invite', 'join_authorised_via_users_server', 'public_key', 'public_keys', 'aliases'],
]

const USERS = ['@alice:example.org', '@bob:example.org', '@:', '@a', '', '@x:[::1]:1']

/** Close to what rules expect, so that they look further. */
const nearly: fc.Arbitrary<JsonValue> = fc.oneof(
  anyJson,
  fc.constantFrom<JsonValue>(
    'join',
    'invite',
    'leave',
    'ban',
    'knock',
    'public',
    'restricted',
    50,
    '50',
    ' +7 ',
    1e300,
  ),
  fc.constantFrom(...USERS),
  fc.dictionary(fc.constantFrom(...USERS, 'm.room.topic', '__proto__'), fc.oneof(fc.integer(), anyJson)),
  fc.record({
    signed: fc.record({ mxid: fc.constantFrom(...USERS), token: fc.constant('t'), signatures: anyJson }),
  }),
)

/** Content, often of the kind that rules expect. */
export const anyContent: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(fc.constantFrom(...CONTENT), nearly), { maxLength: 6 })
  .map(objectOf)

/** An event in its federation format, or nearly. */
export const nearlyPdu: fc.Arbitrary<{ pdu: JsonObject; version: (typeof allVersions)[number] }> = fc
  .record({
    version: anyVersion,
    type: fc.constantFrom(...TYPES),
    stateKey: fc.option(fc.constantFrom('', 't', ...USERS), { nil: undefined }),
    sender: fc.constantFrom('@alice:example.org', '@bob:example.org'),
    content: anyContent,
    wild: fc.array(fc.tuple(fc.constantFrom(...MEMBERS), anyJson), { maxLength: 2 }),
  })
  .map(drawn => ({
    version: drawn.version,
    pdu: pduOf(drawn.version, {
      type: drawn.type,
      sender: drawn.sender,
      content: drawn.content,
      ...(drawn.stateKey === undefined ? {} : { state_key: drawn.stateKey }),
      ...objectOf(drawn.wild),
    }),
  }))
