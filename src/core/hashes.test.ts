import test from 'ava'
import { allVersions, versionOf } from '../test-kit/pdus.ts'
import { decodeBase64 } from './base64.ts'
import { contentHash, eventIdOf, referenceHash, roomIdOfCreate, signedText } from './hashes.ts'
import type { JsonObject } from './json.ts'
import { signingKeyFromSeed } from './signing.ts'

/** The seed of the appendix's test vectors. */
const KEY = signingKeyFromSeed(
  'ed25519:1',
  decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array(),
)

/** The appendix's events; they lack fields that today's formats need, so only hashing and signing are looked at. */
const EVENTS: readonly { pdu: JsonObject; sha256: string; signature: string }[] = [
  {
    pdu: {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      signatures: {},
      hashes: {},
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    },
    sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
    signature: 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
  },
  {
    pdu: {
      content: { body: 'Here is the message content' },
      event_id: '$0:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      type: 'm.room.message',
      room_id: '!r:domain',
      sender: '@u:domain',
      signatures: {},
      unsigned: { age_ts: 1000000 },
    },
    sha256: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
    signature: 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
  },
]

for (const { pdu, sha256, signature } of EVENTS) {
  test(`hashes and signs the appendix's event of type ${pdu['type']}`, t => {
    t.is(contentHash(pdu), sha256)
    const hashed = { ...pdu, hashes: { sha256 } }
    t.is(KEY.sign(Buffer.from(signedText(hashed, versionOf('1')))), signature)
  })
}

test('event IDs: given, or the reference hash in the base64 of the version', t => {
  const pdu = EVENTS[1]?.pdu ?? {}
  for (const version of allVersions) {
    const hash = referenceHash(pdu, version)
    const expected = {
      given: '$0:domain',
      'hash-base64': `$${hash}`,
      'hash-base64url': `$${hash.replaceAll('+', '-').replaceAll('/', '_')}`,
    }
    t.is(eventIdOf(pdu, version), expected[version.format.eventId])
    t.is(referenceHash({ ...pdu, signatures: { a: {} }, unsigned: {}, more: 1 }, version), hash)
    t.not(referenceHash({ ...pdu, hashes: { sha256: 'x' } }, version), hash)
  }
  t.is(roomIdOfCreate('$abc'), '!abc')
})
