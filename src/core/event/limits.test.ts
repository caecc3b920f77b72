import test from 'ava'
import { allVersions, pduOf, referenceTo, versionOf } from '../../test-kit/pdus.ts'
import { parseJson } from '../canonical-json.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'
import { checkFormat, MAX_EVENT_BYTES, parsePdu, trustedEvent } from './format.ts'

/** The rule that refuses an ordinary event with a change; `undefined` where it is accepted. */
const ruleOf = (id: string, change: JsonObject): string | undefined =>
  checkFormat(pduOf(versionOf(id), change), versionOf(id))?.rule

test('identifiers, types and state keys end at 255 bytes', t => {
  const of = (prefix: string, suffix: string, bytes: number): string => {
    const room = bytes - prefix.length - suffix.length
    return `${prefix}${'é'.repeat(Math.floor(room / 2))}${'x'.repeat(room % 2)}${suffix}`
  }
  const shapes: [string, string, string][] = [
    ['sender', '@', ':b'],
    ['room_id', '!', ':b'],
    ['type', '', ''],
    ['state_key', '', ''],
  ]
  for (const { id } of allVersions) {
    for (const [name, prefix, suffix] of shapes) {
      t.is(ruleOf(id, { [name]: of(prefix, suffix, 255) }), undefined, `${id} ${name}`)
      t.is(ruleOf(id, { [name]: of(prefix, suffix, 256) }), 'event-size', `${id} ${name}`)
    }
  }
  t.is(ruleOf('1', { event_id: of('$', ':b', 255) }), undefined)
  t.is(ruleOf('1', { event_id: of('$', ':b', 256) }), 'event-size')
})

test('what is longer than the ID of an event names none', t => {
  const [fits, tooLong] = [`$${'x'.repeat(254)}`, `$${'x'.repeat(255)}`]
  for (const version of allVersions) {
    const reference = (id: string): JsonValue =>
      version.format.references === 'ids' ? id : [id, { sha256: 'x' }]
    for (const name of ['prev_events', 'auth_events']) {
      t.is(ruleOf(version.id, { [name]: [reference(fits)] }), undefined, version.id)
      t.is(ruleOf(version.id, { [name]: [reference(tooLong)] }), 'event-field', version.id)
    }
    const redacted = (redacts: string) =>
      trustedEvent(
        pduOf(version, { type: 'm.room.redaction', redacts, content: { redacts } }),
        '$event',
        version,
      ).redacts
    t.is(redacted(fits), fits)
    t.is(redacted(tooLong), undefined)
  }
})

test('the whole event ends at 65,536 bytes of canonical JSON', t => {
  for (const version of allVersions) {
    const size = (body: string): number =>
      Buffer.byteLength(JSON.stringify(pduOf(version, { content: { body } })))
    const room = MAX_EVENT_BYTES - size('')
    const body = 'é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2)
    t.is(size(body), 65_536)
    t.is(ruleOf(version.id, { content: { body } }), undefined)
    t.is(ruleOf(version.id, { content: { body: `${body}x` } }), 'event-size')
  }
})

test('20 previous events and 10 auth events, and no more', t => {
  for (const version of allVersions) {
    const many = (count: number): JsonValue =>
      Array.from({ length: count }, (_, n) => referenceTo(version, `$${n}:example.org`))
    t.is(ruleOf(version.id, { prev_events: many(20), auth_events: many(10) }), undefined)
    t.is(ruleOf(version.id, { prev_events: many(0), auth_events: many(0) }), undefined)
    t.is(ruleOf(version.id, { prev_events: many(21) }), 'event-references')
    t.is(ruleOf(version.id, { auth_events: many(11) }), 'event-references')
    const old = pduOf(version, { prev_events: many(500), auth_events: many(50) })
    t.is(checkFormat(old, version, { mayBeOld: true }), undefined, 'but as a part of history')
  }
})

/** The ordinary event with one number written as given, read from text. */
const readWith = (version: RoomVersion, name: string, source: string): JsonValue =>
  parseJson(JSON.stringify(pduOf(version, { [name]: 987654321 })).replace('987654321', source))

test('depth ends at 2^53 − 1, and of old events at 2^63 − 1 where canonical JSON is not enforced', t => {
  for (const version of allVersions) {
    const rule = (source: string, mayBeOld = false) =>
      checkFormat(readWith(version, 'depth', source) as JsonObject, version, { mayBeOld })?.rule
    const strict = version.format.strictCanonicalJson
    t.is(rule('0'), undefined)
    t.is(rule('9007199254740991'), undefined)
    t.is(rule('9007199254740992'), 'event-field')
    t.is(rule('9007199254740992', true), strict ? 'canonical-json' : undefined)
    t.is(rule('9223372036854775807', true), strict ? 'canonical-json' : undefined)
    t.is(rule('9223372036854775808', true), 'event-field')
    t.is(rule('1e300', true), 'event-field')
  }
  const deepest = readWith(versionOf('1'), 'depth', '9223372036854775807')
  const parsed = parsePdu(deepest, versionOf('1'), { mayBeOld: true })
  t.is('event' in parsed ? parsed.event.depth : undefined, Number.MAX_SAFE_INTEGER)
})

test('strict versions refuse numbers that are not canonical, wherever they stand', t => {
  for (const version of allVersions) {
    const expected = version.format.strictCanonicalJson ? 'canonical-json' : undefined
    for (const source of ['1.0', '1e3', '-0', '1.5', '9007199254740992']) {
      const text = JSON.stringify(pduOf(version, { content: { a: [{ b: 987654321 }] } }))
      const pdu = parseJson(text.replace('987654321', source)) as JsonObject
      t.is(checkFormat(pdu, version)?.rule, expected, `${version.id} ${source}`)
    }
    t.is(checkFormat(readWith(version, 'origin_server_ts', '1.0') as JsonObject, version)?.rule, expected)
  }
})

test('no version takes lone surrogates or bottomless nesting', t => {
  const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)
  for (const { id } of allVersions) {
    t.is(ruleOf(id, { content: { body: '\ud800' } }), 'canonical-json')
    t.is(ruleOf(id, { type: 'a\udc00' }), 'canonical-json')
    t.is(ruleOf(id, { content: { deep } }), 'canonical-json')
  }
})

test('an event nests 127 levels deep, as far as servers read that others are made of', t => {
  const lists = (depth: number): JsonValue => parseJson('['.repeat(depth) + ']'.repeat(depth))
  for (const { id } of allVersions) {
    t.is(ruleOf(id, { content: { deep: lists(125) } }), undefined)
    t.is(ruleOf(id, { content: { deep: lists(126) } }), 'canonical-json')
    t.is(ruleOf(id, { more: lists(126) }), undefined)
    t.is(ruleOf(id, { more: lists(127) }), 'canonical-json')
  }
})
