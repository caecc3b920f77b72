import test from 'ava'
import fc from 'fast-check'
import { anyJson, anyText } from '../../test-kit/arbitrary-json.ts'
import { allVersions, PARENT, pduOf, referenceTo, versionOf } from '../../test-kit/pdus.ts'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { contentHash, eventIdOf, signedText } from '../hashes.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { RoomVersion } from '../room-versions.ts'
import type { RoomEvent } from './event.ts'
import { checkFormat, parsePdu, trustedEvent } from './format.ts'

const eventOf = (pdu: JsonValue, version: RoomVersion): RoomEvent => {
  const parsed = parsePdu(pdu, version)
  if ('refusal' in parsed) throw new Error(parsed.refusal.message)
  return parsed.event
}

/** The rule that refuses an ordinary event with a change; `undefined` where it is accepted. */
const ruleOf = (id: string, change: JsonObject): string | undefined =>
  checkFormat(pduOf(versionOf(id), change), versionOf(id))?.rule

for (const version of allVersions) {
  test(`reads an ordinary event of version ${version.id}`, t => {
    const pdu = pduOf(version, { state_key: '' })
    const event = eventOf(pdu, version)
    t.deepEqual(event, {
      eventId: eventIdOf(pdu, version),
      roomId: '!room:example.org',
      version,
      type: 'm.room.message',
      sender: '@alice:example.org',
      stateKey: '',
      content: { body: 'hello' },
      originServerTs: 1_700_000_000_000,
      depth: 7,
      prevEvents: [PARENT, '$other:example.org'],
      authEvents: [PARENT],
      redacts: undefined,
      pdu,
    })
    t.deepEqual(trustedEvent(pdu, event.eventId, version), event)
    t.is(eventOf(pduOf(version), version).stateKey, undefined)
  })
}

/** Values that no version takes, by field. */
const WRONG: Record<string, readonly (JsonValue | undefined)[]> = {
  type: [undefined, 5, null],
  sender: [undefined, 5, 'alice', '@alice', '@a:b c', 'a:b'],
  room_id: [undefined, 5, 'room:b', '!', '!a\0:b'],
  state_key: [5, null],
  content: [undefined, [], null, 'x'],
  depth: [undefined, '7', -1, 7.5],
  origin_server_ts: [undefined, '1', 1.5],
  hashes: [undefined, {}, { sha256: 5 }, { sha256: 'hash', sha512: 5 }, { sha256: 'hash', sha512: null }],
  signatures: [undefined, [], { a: 'x' }, { a: { 'ed25519:1': 5 } }],
  unsigned: [5, [], null],
  prev_events: [undefined, {}, [5], [null], ['parent'], [[]], [[5, {}]], [['$a', 5]]],
  auth_events: [undefined, {}, [{}], ['$'], [[PARENT]]],
}

test('each field has its type', t => {
  for (const { id } of allVersions) {
    for (const [name, values] of Object.entries(WRONG)) {
      for (const value of values) {
        t.is(ruleOf(id, { [name]: value }), 'event-field', `${id} ${name} ${JSON.stringify(value)}`)
      }
    }
  }
})

test('fields that only some versions know', t => {
  for (const { id } of allVersions) {
    const early = id === '1' || id === '2'
    t.is(ruleOf(id, { event_id: undefined }), early ? 'event-field' : undefined, id)
    for (const eventId of [5, null, '1:b', '$', '$1', '$1:', '$1:b c']) {
      t.is(ruleOf(id, { event_id: eventId }), 'event-field', `${id} ${eventId}`)
    }
    t.is(ruleOf(id, { event_id: '$1:b' }), early ? undefined : 'event-field', id)
    t.is(ruleOf(id, { prev_events: [PARENT] }), early ? 'event-field' : undefined, id)
    t.is(ruleOf(id, { prev_events: [[PARENT, { sha256: 'x' }]] }), early ? undefined : 'event-field', id)
    t.is(ruleOf(id, { prev_events: [[PARENT, { sha256: 5 }]] }), 'event-field', id)
    t.is(ruleOf(id, { auth_events: [[PARENT, { sha256: 'x' }, 1]] }), 'event-field', id)
    // Gone from the specification, still in old events: nobody's business.
    t.is(ruleOf(id, { origin: 5, membership: {}, prev_state: 'x', more: [] }), undefined, id)
  }
})

test('content is not looked at', t => {
  for (const { id } of allVersions) {
    const change = {
      type: 'm.room.power_levels',
      content: { users: 5, ban: null, membership: [] },
      state_key: '',
    }
    t.is(ruleOf(id, change), undefined)
    t.is(ruleOf(id, { type: 'm.room.redaction', content: { redacts: 5 } }), undefined)
  }
})

test('a redaction may name anything that can be looked up, at the place where its version has it', t => {
  for (const { id, format } of allVersions) {
    const ruleWith = (redacts: JsonValue, type = 'm.room.redaction') =>
      ruleOf(id, { type, ...(format.redactsInContent ? { content: { redacts } } : { redacts }) })
    for (const redacts of [5, null, '', 'x', true]) t.is(ruleWith(redacts), undefined, `${id} ${redacts}`)
    for (const redacts of [{}, ['$event'], []]) {
      t.is(ruleWith(redacts), 'event-field', id)
      t.is(ruleWith(redacts, 'm.room.message'), undefined, id)
    }
    const elsewhere = format.redactsInContent ? { redacts: {} } : { content: { redacts: {} } }
    t.is(ruleOf(id, { type: 'm.room.redaction', ...elsewhere }), undefined, id)
  }
})

test('no event comes after another twice', t => {
  for (const version of allVersions) {
    const [one, other] = [referenceTo(version), referenceTo(version, '$other:example.org')]
    t.is(ruleOf(version.id, { prev_events: [one, other] }), undefined)
    t.is(ruleOf(version.id, { prev_events: [one, other, one] }), 'event-field')
    t.is(ruleOf(version.id, { auth_events: [one, one] }), undefined, 'which the auth rules refuse')
  }
})

test('accepts historical senders', t => {
  for (const sender of ['@:b', '@Ünï cødé:b', '@A~!:b.org:80', `@${'é'.repeat(126)}:b`]) {
    t.is(ruleOf('11', { sender }), undefined, sender)
  }
})

test('the create event of version 12 gives the room its ID', t => {
  const version = versionOf('12')
  const create = { type: 'm.room.create', state_key: '', prev_events: [], auth_events: [] }
  const event = eventOf(pduOf(version, { ...create, room_id: undefined }), version)
  t.is(event.roomId, `!${event.eventId.slice(1)}`)
  t.regex(event.roomId, /^![A-Za-z0-9_-]{43}$/)
  // An auth rule, not the format, refuses the create event that names a room.
  t.is(eventOf(pduOf(version, create), version).roomId, '!room:example.org')
  t.is(ruleOf('12', { ...create, room_id: null }), 'event-field')
  t.is(ruleOf('12', { ...create, room_id: undefined, state_key: 'x' }), 'event-field')
  t.is(ruleOf('12', { ...create, room_id: undefined, state_key: undefined }), 'event-field')
  t.is(ruleOf('12', { room_id: undefined }), 'event-field')
  t.is(ruleOf('11', { ...create, room_id: undefined }), 'event-field')
  t.is(ruleOf('12', { room_id: event.roomId }), undefined)
})

test('finds what a redaction redacts', t => {
  for (const version of allVersions) {
    const redacts = (change: JsonObject) => eventOf(pduOf(version, change), version).redacts
    const both = { redacts: '$top', content: { redacts: '$content' } }
    const place = version.format.redactsInContent ? '$content' : '$top'
    t.is(redacts({ type: 'm.room.redaction', ...both }), place)
    t.is(redacts({ type: 'm.room.redaction' }), undefined)
    t.is(redacts(both), undefined)
  }
})

test('a field may be called like what every object has', t => {
  for (const v of allVersions) {
    const pdu = pduOf(v, { toString: 1, valueOf: { a: 1 }, constructor: 'x' })
    const parsed = parsePdu(pdu, v)
    t.is('event' in parsed ? parsed.event.eventId : undefined, eventIdOf(pdu, v), `version ${v.id}`)
  }
})

test('never throws, whatever comes', t => {
  const version = fc.constantFrom(...allVersions)
  fc.assert(
    fc.property(version, anyJson, (v, value) => {
      t.true('refusal' in parsePdu(value, v))
    }),
  )
  const names = Object.keys(pduOf(versionOf('1'), { state_key: '', redacts: '$a' }))
  const mutation = fc.dictionary(fc.oneof(fc.constantFrom(...names), anyText), anyJson, { maxKeys: 3 })
  fc.assert(
    fc.property(version, mutation, (v, change) => {
      const pdu = pduOf(v, change)
      const parsed = parsePdu(pdu, v)
      if ('refusal' in parsed) {
        t.regex(parsed.refusal.rule, /^(event-field|event-size|event-references|canonical-json)$/)
      } else {
        t.is(parsed.event.eventId, eventIdOf(structuredClone(pdu), v))
        t.is(checkFormat(pdu, v), undefined)
        const { event, texts } = parsed
        t.is(texts.signed, signedText(event.pdu, v))
        t.is(contentHash(event.pdu, texts.members), contentHash(event.pdu))
      }
    }),
    { numRuns: randomRuns(200) },
  )
})
