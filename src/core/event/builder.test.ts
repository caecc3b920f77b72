import test from 'ava'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { strictObject } from '../../test-kit/arbitrary-json.ts'
import { allVersions, versionOf } from '../../test-kit/pdus.ts'
import { decodeBase64 } from '../base64.ts'
import { CanonicalJsonError, canonicalJson } from '../canonical-json.ts'
import { contentHash, eventIdOf, roomIdOfCreate } from '../hashes.ts'
import type { JsonObject } from '../json.ts'
import { parseJson } from '../parse-json.ts'
import type { RoomVersion } from '../room-versions.ts'
import { signatureOf, signingKeyFromSeed, verifyJson, verifySignature } from '../signing.ts'
import {
  addSignature,
  type BuiltEvent,
  buildCanonical,
  buildEvent,
  type EventTemplate,
  signedLength,
  signedWhenAsked,
} from './builder.ts'
import { clientEvent, strippedStateEvent } from './client-event.ts'
import type { RoomEvent } from './event.ts'
import { parsePdu, trustedEvent } from './format.ts'
import { redactPdu } from './redaction.ts'
import { contentHashMatches, eventWithRedactedContent, signedBytes } from './signatures.ts'

const KEY = signingKeyFromSeed(
  'ed25519:1',
  decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array(),
)
const OTHER_KEY = signingKeyFromSeed('ed25519:other', new Uint8Array(32).fill(3))

const HASH = '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos'

const templateOf = (version: RoomVersion, change: Partial<EventTemplate> = {}): EventTemplate => ({
  version,
  roomId: '!room:example.org',
  type: 'm.room.message',
  sender: '@alice:example.org',
  content: { body: 'hello' },
  prevEvents: ['$parent', '$other:example.org'],
  authEvents: ['$create'],
  depth: 7,
  originServerTs: 1_700_000_000_000,
  eventId: '$1:example.org',
  references: new Map(['$parent', '$other:example.org', '$create'].map(eventId => [eventId, HASH])),
  ...change,
})

const build = (version: RoomVersion, change: Partial<EventTemplate> = {}): RoomEvent =>
  buildEvent(templateOf(version, change), 'example.org', KEY)

/** The canonical text of an event that is read from where it was stored without its signature. */
const signedTextOf = ({ event: { version }, unsignedText }: BuiltEvent): string =>
  canonicalJson(signedWhenAsked('example.org', KEY)(parseJson(unsignedText) as JsonObject, version))

for (const version of allVersions) {
  test(`what is built for version ${version.id} is what a peer reads, trusts and identifies`, t => {
    fc.assert(
      fc.property(strictObject, fc.option(fc.string(), { nil: undefined }), (content, stateKey) => {
        const change = { content, stateKey, unsigned: { age: 1 } }
        const event = build(version, change)
        const built = buildCanonical(templateOf(version, change), 'example.org', KEY)
        t.deepEqual(built.event, event)
        t.is(signedTextOf(built), canonicalJson(event.pdu))
        const parsed = parsePdu(parseJson(JSON.stringify(event.pdu)), version)
        if ('refusal' in parsed) throw new Error(parsed.refusal.message)
        t.deepEqual(parsed.event, event)
        t.is(
          event.eventId,
          version.format.eventId === 'given' ? '$1:example.org' : eventIdOf(event.pdu, version),
        )
        t.deepEqual(event.content, content)
        t.is(event.stateKey, stateKey)
        t.true(contentHashMatches(event))
        t.true(verifyJson(redactPdu(event.pdu, version), 'example.org', 'ed25519:1', KEY.publicKey))
      }),
      { numRuns: 20 },
    )
  })
}

test('what has a canonical form only by the rules of other versions is not built', t => {
  const half = { content: { half: 0.5 } }
  t.throws(() => buildCanonical(templateOf(versionOf('11'), half), 'example.org', KEY), {
    instanceOf: CanonicalJsonError,
  })
  const built = buildCanonical(templateOf(versionOf('5'), half), 'example.org', KEY)
  t.is(signedTextOf(built), canonicalJson(built.event.pdu))
})

test('what nests deeper than servers read is not built', t => {
  const content = (depth: number) => ({
    content: { deep: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) },
  })
  for (const version of allVersions) {
    const build = (depth: number) => buildCanonical(templateOf(version, content(depth)), 'example.org', KEY)
    t.notThrows(() => build(125))
    t.throws(() => build(126), { instanceOf: CanonicalJsonError })
  }
})

test('an event that is signed when it is read again is that which was made, in every version', t => {
  for (const version of allVersions) {
    // What looks like the place of the signature, before it and after.
    const odd = { content: { signatures: { 'example.org': { 'ed25519:1': '' } } }, unsigned: { é: '"}}}' } }
    for (const more of [odd, { ...odd, stateKey: 'ü' }]) {
      const built = buildCanonical(templateOf(version, more), 'example.org', KEY)
      const { event, unsignedText } = built
      t.false('signatures' in (parseJson(unsignedText) as JsonObject))
      t.is(signedTextOf(built), canonicalJson(event.pdu))
      t.is(signedLength(unsignedText, 'example.org', KEY), Buffer.byteLength(canonicalJson(event.pdu)))
      t.true(verifyJson(redactPdu(event.pdu, version), 'example.org', 'ed25519:1', KEY.publicKey))
    }
  }
})

test('tweetnacl verifies what is built', t => {
  for (const version of [versionOf('1'), versionOf('12')]) {
    const event = build(version)
    const signature =
      decodeBase64(signatureOf(event.pdu, 'example.org', 'ed25519:1') ?? '') ?? new Uint8Array()
    t.true(
      nacl.sign.detached.verify(
        signedBytes(event),
        signature,
        decodeBase64(KEY.publicKey) ?? new Uint8Array(),
      ),
    )
  }
})

test('redaction keeps ID and signatures, and shows in the content hash', t => {
  for (const version of allVersions) {
    const event = build(version, { unsigned: { age: 1 } })
    const redacted = eventWithRedactedContent(event)
    t.is(redacted.eventId, event.eventId)
    t.is(redacted.roomId, event.roomId)
    t.deepEqual(redacted.content, {})
    t.false('unsigned' in redacted.pdu)
    t.is(eventIdOf(redacted.pdu, version), event.eventId)
    t.deepEqual(signedBytes(redacted), signedBytes(event))
    t.false(contentHashMatches(redacted))
    t.deepEqual(eventWithRedactedContent(redacted), redacted)
  }
})

test('content hashes: by bytes, whatever their spelling', t => {
  const event = build(versionOf('11'))
  const withHash = (sha256: string): RoomEvent =>
    trustedEvent({ ...event.pdu, hashes: { sha256 } }, event.eventId, event.version)
  const hash = contentHash(event.pdu)
  t.true(contentHashMatches(withHash(`${hash}=`)))
  t.true(contentHashMatches(withHash(hash.replaceAll('+', '-').replaceAll('/', '_'))))
  for (const wrong of ['', 'x', HASH, hash.slice(0, 40), `${hash}AA`, 'é'])
    t.false(contentHashMatches(withHash(wrong)))
  t.false(contentHashMatches(trustedEvent({ ...event.pdu, hashes: {} }, event.eventId, event.version)))
})

test('references are pairs with hashes in versions 1 and 2, and IDs later', t => {
  for (const version of allVersions) {
    const { pdu, prevEvents, authEvents } = build(version)
    const pairs = version.format.references === 'pairs'
    t.deepEqual(pdu['auth_events'], pairs ? [['$create', { sha256: HASH }]] : ['$create'])
    t.deepEqual([prevEvents, authEvents], [['$parent', '$other:example.org'], ['$create']])
    t.is(pdu['event_id'], pairs ? '$1:example.org' : undefined)
  }
  t.throws(() => build(versionOf('1'), { references: undefined }), {
    instanceOf: TypeError,
    message: /\$create/,
  })
  t.throws(() => build(versionOf('2'), { eventId: undefined }), { instanceOf: TypeError })
})

test('redactions say what they redact where the version keeps it, and to clients in both places', t => {
  for (const version of allVersions) {
    const event = build(version, { type: 'm.room.redaction', content: { reason: 'spam' }, redacts: '$bad' })
    const inContent = version.format.redactsInContent
    t.is(event.redacts, '$bad')
    t.is(event.pdu['redacts'], inContent ? undefined : '$bad')
    t.deepEqual(event.content, inContent ? { reason: 'spam', redacts: '$bad' } : { reason: 'spam' })
    const shown = clientEvent(event, { roomId: false })
    t.is(shown['redacts'], '$bad')
    t.deepEqual(shown['content'], { reason: 'spam', redacts: '$bad' })
  }
})

test('a create event of version 12 names no room', t => {
  const event = build(versionOf('12'), {
    type: 'm.room.create',
    stateKey: '',
    roomId: undefined,
    prevEvents: [],
    authEvents: [],
  })
  t.false('room_id' in event.pdu)
  t.is(event.roomId, roomIdOfCreate(event.eventId))
  t.is(clientEvent(event, { roomId: true })['room_id'], event.roomId)
})

test('another server adds its signature, and nothing else changes', t => {
  for (const version of allVersions) {
    const event = build(version)
    const signed = addSignature(event, 'b.org', OTHER_KEY)
    t.is(signed.eventId, event.eventId)
    t.deepEqual({ ...signed.pdu, signatures: event.pdu['signatures'] }, event.pdu)
    const bytes = signedBytes(signed)
    t.true(verifySignature(KEY.publicKey, bytes, signatureOf(signed.pdu, 'example.org', 'ed25519:1') ?? ''))
    t.true(
      verifySignature(OTHER_KEY.publicKey, bytes, signatureOf(signed.pdu, 'b.org', 'ed25519:other') ?? ''),
    )
  }
})

test('clients see what is theirs to see', t => {
  for (const version of allVersions) {
    const event = build(version, { stateKey: 'key', unsigned: { age: 1 }, type: 'm.room.topic' })
    const common = {
      content: { body: 'hello' },
      event_id: event.eventId,
      origin_server_ts: 1_700_000_000_000,
      sender: '@alice:example.org',
      type: 'm.room.topic',
    }
    t.deepEqual(clientEvent(event, { roomId: false }), { ...common, state_key: 'key' })
    t.deepEqual(clientEvent(event, { roomId: true, unsigned: { age: 2 } }), {
      ...common,
      room_id: '!room:example.org',
      state_key: 'key',
      unsigned: { age: 2 },
    })
    t.deepEqual(clientEvent(build(version, { type: 'm.room.topic' }), { roomId: false }), {
      ...common,
      event_id: build(version, { type: 'm.room.topic' }).eventId,
    })
    t.deepEqual(strippedStateEvent(event), {
      content: { body: 'hello' },
      sender: '@alice:example.org',
      state_key: 'key',
      type: 'm.room.topic',
    })
  }
})
