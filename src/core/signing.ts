import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { LRUCache } from 'lru-cache'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { boundedCache } from './caches.ts'
import { CanonicalJsonError, canonicalJson } from './canonical-json.ts'
import { isJsonObject, type JsonObject, ownMember } from './json.ts'

/** A key of this server. Its secret half stays inside. */
export interface SigningKey {
  /** `ed25519:` and the version. */
  readonly keyId: string
  /** Unpadded base64 of 32 bytes. */
  readonly publicKey: string
  /** The signature of a message, as unpadded base64. */
  sign(message: Uint8Array): string
}

/** What stands before the 32 bytes of a seed or public key in the DER forms that OpenSSL reads (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const ALGORITHM = 'ed25519:'

/**
 * Makes a signing key of a seed.
 *
 * @param keyId `ed25519:<version>`
 * @param seed 32 secret bytes
 * @throws {TypeError} on another length or algorithm.
 */
export const signingKeyFromSeed = (keyId: string, seed: Uint8Array): SigningKey => {
  if (seed.length !== 32) throw new TypeError('a seed has 32 bytes')
  if (!keyId.startsWith(ALGORITHM)) throw new TypeError('only ed25519 keys sign')
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    keyId,
    publicKey: encodeBase64(publicKey.subarray(SPKI_PREFIX.length)),
    sign: message => encodeBase64(sign(null, message, privateKey)),
  }
}

/**
 * Making a key object costs half as much as the verification itself, and a few servers sign most events. Made with the first key, when
 * it is known how large it may be.
 */
let publicKeys: LRUCache<string, KeyObject> | undefined

const publicKeyObject = (publicKeyBase64: string): KeyObject | undefined => {
  publicKeys ??= boundedCache('public_keys')
  const known = publicKeys.get(publicKeyBase64)
  if (known !== undefined) return known
  const bytes = decodeBase64(publicKeyBase64)
  if (bytes?.length !== 32) return undefined
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' })
  publicKeys.set(publicKeyBase64, key)
  return key
}

/** An Ed25519 key and a signature as OpenSSL takes them; `undefined` where one of them is malformed. Never throws. */
export const readSignature = (
  publicKeyBase64: string,
  signatureBase64: string,
): { readonly key: KeyObject; readonly signature: Uint8Array } | undefined => {
  const signature = decodeBase64(signatureBase64)
  if (signature?.length !== 64) return undefined
  try {
    const key = publicKeyObject(publicKeyBase64)
    return key && { key, signature }
  } catch {
    return undefined
  }
}

/**
 * Whether an Ed25519 signature is that of the message under the key. Malformed keys and signatures verify nothing;
 * this never throws.
 */
export const verifySignature = (
  publicKeyBase64: string,
  message: Uint8Array,
  signatureBase64: string,
): boolean => {
  const read = readSignature(publicKeyBase64, signatureBase64)
  try {
    return read !== undefined && verify(null, message, read.key, read.signature)
  } catch {
    return false
  }
}

/** The bytes of an object that signatures cover: canonical, without `signatures` and `unsigned`. */
export const signableBytes = (object: JsonObject): Uint8Array => {
  const { signatures: _, unsigned: __, ...rest } = object
  return Buffer.from(canonicalJson(rest))
}

/** An object with one more signature in `signatures`; what is there already stays. */
export const withSignature = (
  object: JsonObject,
  entity: string,
  keyId: string,
  signature: string,
): JsonObject => {
  const signatures = isJsonObject(object['signatures']) ? object['signatures'] : {}
  const ofEntity = ownMember(signatures, entity)
  return {
    ...object,
    signatures: {
      ...signatures,
      [entity]: { ...(isJsonObject(ofEntity) ? ofEntity : {}), [keyId]: signature },
    },
  }
}

/**
 * Signs an object in the name of an entity: a server name, or a user ID (appendices, "Signing JSON").
 *
 * @throws {CanonicalJsonError} where the object has no canonical encoding.
 */
export const signJson = (object: JsonObject, entityName: string, key: SigningKey): JsonObject =>
  withSignature(object, entityName, key.keyId, key.sign(signableBytes(object)))

/** The signature of an entity under one of its keys, if there is one. */
export const signatureOf = (object: JsonObject, entityName: string, keyId: string): string | undefined => {
  const signatures = object['signatures']
  const ofEntity = isJsonObject(signatures) ? ownMember(signatures, entityName) : undefined
  const signature = isJsonObject(ofEntity) ? ownMember(ofEntity, keyId) : undefined
  return typeof signature === 'string' ? signature : undefined
}

/** The IDs of the keys that an entity signed an object with, as far as the algorithm is understood. */
export const signatureKeyIds = (object: JsonObject, entityName: string): string[] => {
  const signatures = object['signatures']
  const ofEntity = isJsonObject(signatures) ? ownMember(signatures, entityName) : undefined
  return isJsonObject(ofEntity) ? Object.keys(ofEntity).filter(keyId => keyId.startsWith(ALGORITHM)) : []
}

/** Whether an object carries a valid signature of the entity under this key. Never throws. */
export const verifyJson = (
  object: JsonObject,
  entityName: string,
  keyId: string,
  publicKey: string,
): boolean => {
  const signature = signatureOf(object, entityName, keyId)
  if (signature === undefined) return false
  try {
    return verifySignature(publicKey, signableBytes(object), signature)
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false
    throw error
  }
}

const KEY_LINE = /^ed25519[ \t]+([A-Za-z0-9_]+)[ \t]+([A-Za-z0-9+/]{43})=?$/

/** One line of a key file. */
export interface KeyFileEntry {
  /** `ed25519:<version>` */
  readonly keyId: string
  readonly seed: Uint8Array
}

/**
 * Reads a key file: one key per line, `ed25519 <version> <unpadded base64 of the seed>`. Empty lines are passed by.
 *
 * @throws {SyntaxError} naming the line, and nothing of its text, which is secret.
 */
export const parseKeyFile = (text: string): KeyFileEntry[] =>
  text
    .split(/\r?\n/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => {
      const [, version, seed] = KEY_LINE.exec(line) ?? []
      const bytes = seed === undefined ? undefined : decodeBase64(seed)
      if (version === undefined || bytes?.length !== 32) {
        throw new SyntaxError(`line ${number} is not "ed25519 <version> <seed in unpadded base64>"`)
      }
      return { keyId: `${ALGORITHM}${version}`, seed: bytes }
    })

/** Writes a key file that `parseKeyFile` reads. */
export const formatKeyFile = (entries: readonly KeyFileEntry[]): string =>
  entries
    .map(({ keyId, seed }) => `ed25519 ${keyId.slice(ALGORITHM.length)} ${encodeBase64(seed)}\n`)
    .join('')
