import test from 'ava'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { anyCharacter, strictObject } from '../test-kit/arbitrary-json.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import {
  formatKeyFile,
  parseKeyFile,
  signatureKeyIds,
  signatureOf,
  signingKeyFromSeed,
  signJson,
  verifyJson,
  verifySignature,
} from './signing.ts'

/** The seed of the appendix's test vectors. */
const SEED = decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') as Uint8Array
const KEY = signingKeyFromSeed('ed25519:1', SEED)

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const messages = fc.uint8Array({ maxLength: 200 })

test('base64: the appendix, both alphabets, padding or none, and nothing else', t => {
  const examples = {
    '': '',
    f: 'Zg',
    fo: 'Zm8',
    foo: 'Zm9v',
    foob: 'Zm9vYg',
    fooba: 'Zm9vYmE',
    foobar: 'Zm9vYmFy',
  }
  for (const [text, encoded] of Object.entries(examples)) {
    t.is(encodeBase64(Buffer.from(text)), encoded)
    t.deepEqual(Buffer.from(decodeBase64(encoded) ?? []).toString(), text)
  }
  for (const text of ['Z', 'Zm9vY', 'Zm 9', 'Zm9\n', 'Zg===', '=', 'Z=g', 'Zg!', 'é']) {
    const decoded = decodeBase64(text)
    t.true(text === '=' ? decoded?.length === 0 : decoded === undefined, text)
  }
  fc.assert(
    fc.property(messages, bytes => {
      for (const encoded of [
        encodeBase64(bytes),
        Buffer.from(bytes).toString('base64url'),
        Buffer.from(bytes).toString('base64'),
      ]) {
        t.deepEqual(Buffer.from(decodeBase64(encoded) ?? []), Buffer.from(bytes))
      }
      t.notRegex(encodeBase64(bytes), /[-_=]/)
    }),
  )
})

test('signs JSON as the appendix does', t => {
  t.deepEqual(signJson({}, 'domain', KEY), {
    signatures: {
      domain: {
        'ed25519:1': 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ',
      },
    },
  })
  t.deepEqual(signJson({ one: 1, two: 'Two' }, 'domain', KEY), {
    one: 1,
    signatures: {
      domain: {
        'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
      },
    },
    two: 'Two',
  })
})

test('signatures are those of tweetnacl, and each verifies the other’s', t => {
  fc.assert(
    fc.property(seeds, messages, (seed, message) => {
      const key = signingKeyFromSeed('ed25519:a', seed)
      const pair = nacl.sign.keyPair.fromSeed(seed)
      const signature = key.sign(message)
      t.is(key.publicKey, encodeBase64(pair.publicKey))
      t.is(signature, encodeBase64(nacl.sign.detached(message, pair.secretKey)))
      t.true(verifySignature(key.publicKey, message, signature))
    }),
    { numRuns: 8 },
  )
})

test('a changed message, key or signature does not verify', t => {
  fc.assert(
    fc.property(
      seeds,
      fc.uint8Array({ minLength: 1, maxLength: 99 }),
      fc.nat(),
      fc.nat(7),
      (seed, message, at, bit) => {
        const key = signingKeyFromSeed('ed25519:a', seed)
        const flip = (bytes: Uint8Array): Uint8Array =>
          bytes.map((byte, index) => (index === at % bytes.length ? byte ^ (1 << bit) : byte))
        const signature = key.sign(message)
        const flipped = (text: string): string => encodeBase64(flip(decodeBase64(text) as Uint8Array))
        t.false(verifySignature(key.publicKey, flip(message), signature))
        t.false(verifySignature(key.publicKey, message, flipped(signature)))
        t.false(verifySignature(flipped(key.publicKey), message, signature))
      },
    ),
    { numRuns: 40 },
  )
})

test('a malleated signature (S + L) does not verify', t => {
  const message = Buffer.from('message')
  const signature = Buffer.from(decodeBase64(KEY.sign(message)) as Uint8Array)
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  let s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order
  for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 255n)
  // The oracle is fooled, which shows that the signature is the one meant.
  t.true(nacl.sign.detached.verify(message, signature, nacl.sign.keyPair.fromSeed(SEED).publicKey))
  t.false(verifySignature(KEY.publicKey, message, encodeBase64(signature)))
})

test('a key of small order, which would sign anything, signs nothing', t => {
  const identity = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0))
  const signature = Uint8Array.from({ length: 64 }, (_, index) => (index === 0 ? 1 : 0))
  const message = Buffer.from('anything')
  t.true(nacl.sign.detached.verify(message, signature, identity))
  t.false(verifySignature(encodeBase64(identity), message, encodeBase64(signature)))
})

test('garbage verifies nothing, and throws nothing', t => {
  const text = fc.oneof(fc.string({ unit: anyCharacter }), fc.base64String(), messages.map(encodeBase64))
  fc.assert(
    fc.property(text, messages, text, (key, message, signature) => {
      t.false(verifySignature(key, message, signature))
      t.false(verifySignature(KEY.publicKey, message, signature))
      t.false(verifySignature(key, message, KEY.sign(message)))
    }),
  )
})

test('signing JSON keeps everything else, and covers all but signatures and unsigned', t => {
  fc.assert(
    fc.property(strictObject, object => {
      const base = { ...object, signatures: { other: { 'ed25519:x': 'sig' } }, unsigned: { a: 1 } }
      const signed = signJson(base, 'domain', KEY)
      t.deepEqual({ ...signed, signatures: base.signatures }, base)
      t.is(signatureOf(signed, 'other', 'ed25519:x'), 'sig')
      t.true(verifyJson(signed, 'domain', 'ed25519:1', KEY.publicKey))
      t.true(verifyJson({ ...signed, unsigned: {} }, 'domain', 'ed25519:1', KEY.publicKey))
      t.false(verifyJson({ ...signed, more: 1 }, 'domain', 'ed25519:1', KEY.publicKey))
      t.false(verifyJson(signed, 'other', 'ed25519:1', KEY.publicKey))
      t.false(verifyJson(signed, 'domain', 'ed25519:2', KEY.publicKey))
    }),
    { numRuns: 30 },
  )
})

test('only what an object itself holds counts as a signature', t => {
  for (const signatures of [undefined, null, 5, [], 'x', { domain: [] }, { domain: { 'ed25519:1': 5 } }]) {
    const object = signatures === undefined ? {} : { signatures }
    t.false(verifyJson(object, 'domain', 'ed25519:1', KEY.publicKey))
    t.is(signatureOf(object, '__proto__', 'constructor'), undefined)
    t.deepEqual(signatureKeyIds(object, '__proto__'), [])
  }
  const many = { signatures: { domain: { 'ed25519:1': 'a', 'rsa:1': 'b', 'ed25519:2': 'c' } } }
  t.deepEqual(signatureKeyIds(many, 'domain'), ['ed25519:1', 'ed25519:2'])
  const odd = signJson({}, '__proto__', KEY)
  t.true(verifyJson(odd, '__proto__', 'ed25519:1', KEY.publicKey))
  t.false(verifyJson({ a: '\ud800', ...signJson({}, 'domain', KEY) }, 'domain', 'ed25519:1', KEY.publicKey))
})

test('a second key of the same entity signs beside the first', t => {
  const other = signingKeyFromSeed('ed25519:2', new Uint8Array(32).fill(1))
  const signed = signJson(signJson({ a: 1 }, 'domain', KEY), 'domain', other)
  t.deepEqual(signatureKeyIds(signed, 'domain'), ['ed25519:1', 'ed25519:2'])
  t.true(verifyJson(signed, 'domain', 'ed25519:1', KEY.publicKey))
  t.true(verifyJson(signed, 'domain', 'ed25519:2', other.publicKey))
})

test('key files', t => {
  const text =
    '\ned25519 a_1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1\r\n  ed25519 2 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA0=\n'
  const entries = parseKeyFile(text)
  t.deepEqual(
    entries.map(({ keyId }) => keyId),
    ['ed25519:a_1', 'ed25519:2'],
  )
  t.deepEqual(Buffer.from(entries[0]?.seed ?? []), Buffer.from(SEED))
  t.deepEqual(parseKeyFile(formatKeyFile(entries)), entries)
  const bad = [
    'x',
    'ed25519 a',
    'rsa a YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1',
    'ed25519 a-b YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1',
    'ed25519 a YJDB',
  ]
  for (const line of bad) {
    const error = t.throws(() => parseKeyFile(`\n${line}`), { instanceOf: SyntaxError, message: /line 2/ })
    t.false(error?.message.includes('YJDB'))
  }
  t.throws(() => signingKeyFromSeed('ed25519:1', new Uint8Array(31)), { instanceOf: TypeError })
  t.throws(() => signingKeyFromSeed('rsa:1', SEED), { instanceOf: TypeError })
})
