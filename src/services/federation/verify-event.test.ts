import test from 'ava'
import { parseJson } from '../../core/canonical-json.ts'
import { buildEvent } from '../../core/event/builder.ts'
import { contentHash, signedText } from '../../core/hashes.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { signingKeyFromSeed } from '../../core/signing.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { allVersions, PARENT } from '../../test-kit/pdus.ts'
import type { KeyRing } from './keys/key-ring.ts'
import { EventVerifier } from './verify-event.ts'

const key = signingKeyFromSeed('ed25519:1', new Uint8Array(32).fill(3))

const ring: Pick<KeyRing, 'publicKey'> = {
  publicKey: async (server, keyId) =>
    server === 'example.org' && keyId === 'ed25519:1' ? key.publicKey : undefined,
}

/** One event as it may arrive: whole, changed on the way, or nothing of the kind. */
const variants: ((pdu: JsonObject, version: RoomVersion) => JsonValue)[] = [
  pdu => pdu,
  (pdu, version) => {
    const { signatures: _, ...rest } = pdu
    const loose = { ...rest, content: parseJson('{"n":1.0,"m":[1e3]}') }
    const hashed = { ...loose, hashes: { sha256: contentHash(loose) } }
    const signature = key.sign(Buffer.from(signedText(hashed, version)))
    return { ...hashed, signatures: { 'example.org': { [key.keyId]: signature } } }
  },
  pdu => ({ ...pdu, unsigned: { age: 1 } }),
  pdu => ({ ...pdu, content: { body: 'changed' } }),
  pdu => ({ ...pdu, depth: 99 }),
  pdu => ({ ...pdu, signatures: {} }),
  pdu => ({ ...pdu, signatures: { 'example.org': { 'ed25519:2': 'x' } } }),
  pdu => ({ ...pdu, sender: '@other:elsewhere.org' }),
  pdu => ({ ...pdu, sender: 7 }),
  pdu => ({ ...pdu, content: { body: '\ud800' } }),
  pdu => parseJson(JSON.stringify({ ...pdu, content: { n: 123456 } }).replace('123456', '1.0')),
  pdu => parseJson(JSON.stringify({ ...pdu, depth: 123456 }).replace('123456', '9223372036854775808')),
  pdu => ({
    ...pdu,
    type: 'm.room.member',
    state_key: '@a:b',
    content: { join_authorised_via_users_server: 1 },
  }),
  () => null,
  () => 'event',
  () => ({}),
]

for (const version of allVersions) {
  test(`threads find the same as the main thread (version ${version.id})`, async t => {
    const verifier = new EventVerifier(ring as KeyRing)
    const many = Array.from({ length: 21 }, (_, n) => `$${n}:example.org`)
    const pdus = Array.from({ length: 120 }, (_, index) => {
      const event = buildEvent(
        {
          version,
          roomId: '!room:example.org',
          type: 'm.room.message',
          sender: '@alice:example.org',
          content: { body: `${index}` },
          prevEvents: index === 0 ? many : [PARENT],
          authEvents: [PARENT],
          depth: 2,
          originServerTs: 1_700_000_000_000,
          eventId: `$${index}:example.org`,
          references: new Map([PARENT, ...many].map(id => [id, 'hash'])),
        },
        'example.org',
        key,
      )
      return variants[index % variants.length]?.(event.pdu, version) ?? null
    })
    const options = { mayBeOld: true }
    const together = await verifier.verifyAll(pdus, version, options)
    const alone = await Promise.all(pdus.map(pdu => verifier.verify(pdu, version, options)))
    t.deepEqual(together, alone)
    t.is(together.filter(one => 'event' in one).length, alone.filter(one => 'event' in one).length)
    const [, loose] = together
    t.is(
      loose !== undefined && 'event' in loose && loose.event.content['n'],
      !version.format.strictCanonicalJson && 1,
    )
    t.true('event' in (together[0] ?? {}), 'history may have more than 20 events before one')
    t.true('refusal' in (await verifier.verify(pdus[0] ?? null, version)), 'nothing else may')
    t.true(together.some(one => 'event' in one) && together.some(one => 'refusal' in one))
  })
}

test('keys that are not at hand are asked for side by side, also a second time', async t => {
  const version = allVersions.find(({ id }) => id === '10')
  if (version === undefined) throw new Error('no such version')
  const COUNT = 120
  let asked = 0
  const answered = Promise.withResolvers<undefined>()
  const slow: Pick<KeyRing, 'publicKey'> = {
    publicKey: async () => {
      asked += 1
      return asked > COUNT ? answered.promise : undefined
    },
  }
  const pdus = Array.from({ length: COUNT }, (_, index) => {
    const server = `s${index}.example.org`
    const fields = { version, roomId: '!room:example.org', type: 'm.room.message', sender: `@a:${server}` }
    const place = { prevEvents: [PARENT], authEvents: [PARENT], depth: 2, originServerTs: 1_700_000_000_000 }
    return buildEvent({ ...fields, ...place, content: {} }, server, key).pdu
  })
  const verifying = new EventVerifier(slow as KeyRing).verifyAll(pdus, version)
  await eventually('all are asked for', () => asked === 2 * COUNT)
  answered.resolve(undefined)
  t.true((await verifying).every(one => 'refusal' in one && one.unknownSigner !== undefined))
})
