import test from 'ava'
import fc from 'fast-check'
import { strictObject } from '../../test-kit/arbitrary-json.ts'
import { allVersions } from '../../test-kit/pdus.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { canonicalJson, parseJson } from '../canonical-json.ts'
import { signedText } from '../hashes.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'
import { redactPdu } from './redaction.ts'

const TYPES = [
  'm.room.member',
  'm.room.create',
  'm.room.join_rules',
  'm.room.power_levels',
  'm.room.aliases',
  'm.room.history_visibility',
  'm.room.redaction',
  'm.room.message',
  'constructor',
  '__proto__',
]

/** All keys that any version keeps, and some that none does. */
const CONTENT_KEYS = [
  'membership',
  'join_authorised_via_users_server',
  'third_party_invite',
  'creator',
  'join_rule',
  'allow',
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
  'invite',
  'aliases',
  'history_visibility',
  'redacts',
  'body',
  '__proto__',
  'notifications',
  'displayname',
]
const TOP_LEVEL_KEYS = [
  'event_id',
  'room_id',
  'sender',
  'state_key',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'prev_state',
  'auth_events',
  'origin',
  'origin_server_ts',
  'membership',
  'unsigned',
  'redacts',
  'age_ts',
  '__proto__',
]

const filled = (keys: readonly string[]): JsonObject =>
  Object.fromEntries(keys.map(key => [key, `${key} of it`]))

const keptContent = (type: string, version: RoomVersion): string =>
  Object.keys(redactPdu({ type, content: filled(CONTENT_KEYS) }, version)['content'] as JsonObject)
    .sort()
    .join(' ')

/** The versions from `first` to `last`. */
const between = (first: number, last: number): RoomVersion[] =>
  allVersions.filter(({ id }) => Number(id) >= first && Number(id) <= last)

test('keeps at the top level what each version keeps', t => {
  const kept = (version: RoomVersion): string =>
    Object.keys(redactPdu({ ...filled(TOP_LEVEL_KEYS), type: 't', content: {} }, version))
      .sort()
      .join(' ')
  const always = 'auth_events content depth event_id hashes'
  for (const version of between(1, 10)) {
    t.is(
      kept(version),
      `${always} membership origin origin_server_ts prev_events prev_state room_id sender signatures state_key type`,
    )
  }
  for (const version of between(11, 12)) {
    t.is(kept(version), `${always} origin_server_ts prev_events room_id sender signatures state_key type`)
  }
})

test('keeps of each type’s content what each version keeps', t => {
  const levels = (more: string) =>
    `ban events events_default${more} kick redact state_default users users_default`
  const expected: [string, number, number, string][] = [
    ['m.room.member', 1, 8, 'membership'],
    ['m.room.member', 9, 12, 'join_authorised_via_users_server membership'],
    ['m.room.create', 1, 10, 'creator'],
    ['m.room.create', 11, 12, [...CONTENT_KEYS].sort().join(' ')],
    ['m.room.join_rules', 1, 7, 'join_rule'],
    ['m.room.join_rules', 8, 12, 'allow join_rule'],
    ['m.room.power_levels', 1, 10, levels('')],
    ['m.room.power_levels', 11, 12, levels(' invite')],
    ['m.room.aliases', 1, 5, 'aliases'],
    ['m.room.aliases', 6, 12, ''],
    ['m.room.history_visibility', 1, 12, 'history_visibility'],
    ['m.room.redaction', 1, 10, ''],
    ['m.room.redaction', 11, 12, 'redacts'],
    ['m.room.message', 1, 12, ''],
    ['constructor', 1, 12, ''],
    ['__proto__', 1, 12, ''],
  ]
  for (const [type, first, last, keys] of expected) {
    for (const version of between(first, last))
      t.is(keptContent(type, version), keys, `${type} ${version.id}`)
  }
})

test('keeps the signed part of third-party invites from version 11 on', t => {
  const redacted = (invite: JsonValue, version: RoomVersion) =>
    redactPdu(
      { type: 'm.room.member', content: { membership: 'invite', third_party_invite: invite } },
      version,
    )['content']
  const invite = { signed: { mxid: '@a:b', token: 'x' }, display_name: 'a…' }
  for (const version of between(1, 10)) t.deepEqual(redacted(invite, version), { membership: 'invite' })
  for (const version of between(11, 12)) {
    t.deepEqual(redacted(invite, version), {
      membership: 'invite',
      third_party_invite: { signed: invite.signed },
    })
    t.deepEqual(redacted({ display_name: 'a…' }, version), { membership: 'invite', third_party_invite: {} })
    t.deepEqual(redacted('x', version), { membership: 'invite' })
    t.deepEqual(redacted(null, version), { membership: 'invite' })
  }
})

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) freeze(item)
  return Object.freeze(value)
}

const pdus = fc
  .tuple(
    strictObject,
    fc.subarray(TOP_LEVEL_KEYS),
    fc.constantFrom(...TYPES),
    strictObject,
    fc.subarray(CONTENT_KEYS),
  )
  .map(([top, keys, type, content, contentKeys]) =>
    freeze({ ...top, ...filled(keys), type, content: { ...content, ...filled(contentKeys) } } as JsonObject),
  )

test('is idempotent, changes nothing in place, adds nothing, and leaves what is signed as it was', t => {
  fc.assert(
    fc.property(pdus, fc.constantFrom(...allVersions), (pdu, version) => {
      const redacted = redactPdu(pdu, version)
      t.deepEqual(redactPdu(redacted, version), redacted)
      t.is(signedText(redacted, version), signedText(pdu, version))
      for (const [key, value] of Object.entries(redacted)) {
        if (key === 'content') {
          for (const [name, item] of Object.entries(value as JsonObject)) {
            t.is(item, (pdu['content'] as JsonObject)[name])
          }
        } else t.is(value, pdu[key])
      }
    }),
    { numRuns: randomRuns(150) },
  )
})

test('numbers of old rooms keep their digits through redaction', t => {
  const source =
    '{"content":{"ban":9223372036854775807,"users":{"@a:b":50.5}},"depth":9223372036854775807,"type":"m.room.power_levels"}'
  for (const version of between(1, 5)) {
    t.is(canonicalJson(redactPdu(parseJson(source) as JsonObject, version)), source)
  }
})

test('what is no object is left out of the way', t => {
  for (const version of allVersions) {
    t.deepEqual(redactPdu({}, version), {})
    t.deepEqual(redactPdu({ content: 5, type: 6 }, version), { content: 5, type: 6 })
  }
})
