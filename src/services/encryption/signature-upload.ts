import { canonicalJson } from '../../core/canonical-json.ts'
import { type Errcode, MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject, ownMember } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { signatureKeyIds, signatureOf, verifyJson } from '../../core/signing.ts'
import type { CrossSigningKeyRow, KeyUsage } from '../../storage/encryption/cross-signing-keys.ts'
import type { KeySignature } from '../../storage/encryption/key-signatures.ts'
import type { EncryptionContext } from './context.ts'
import type { RemoteDevices } from './remote/remote-devices.ts'

/** User ID → key ID → signed key. */
export type SignatureUploadBody = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A user's master key. */
interface Master {
  readonly publicKey: string
  readonly key: JsonObject
}

type Failures = Record<string, Record<string, { errcode: Errcode; error: string }>>

/** Signatures of one request; more are nobody's. */
const MAX_SIGNATURES = 2_000

/** Takes in signatures over keys that were uploaded before (client-server API, `/keys/signatures/upload`). */
export class SignatureUpload {
  readonly #context: EncryptionContext
  readonly #remote: RemoteDevices

  constructor(context: EncryptionContext, remote: RemoteDevices) {
    this.#context = context
    this.#remote = remote
  }

  /**
   * Stores those of the signatures that are good; answers what is wrong with the others.
   * @throws {MatrixError} `M_TOO_LARGE`
   */
  async upload(userId: string, body: SignatureUploadBody): Promise<Failures> {
    const entries = Object.entries(body).flatMap(([target, keys]) =>
      Object.entries(keys).map(([keyId, key]) => ({ target, keyId, key })),
    )
    if (entries.length > MAX_SIGNATURES) throw new MatrixError('M_TOO_LARGE', 'Too many signatures at once.')
    const own = await this.#context.read.crossSigningKeys.ofUsers([userId])
    const masters = await this.#mastersOf(
      entries.filter(({ target }) => target !== userId),
      userId,
    )
    const failures: Failures = {}
    const good: KeySignature[] = []
    for (const { target, keyId, key } of entries) {
      try {
        if (!isJsonObject(key)) throw new MatrixError('M_BAD_JSON', 'A key is an object.')
        const found =
          target === userId
            ? await this.#ofOwnKey(userId, keyId, key, own)
            : ofOtherUser(userId, { target, keyId, key, master: masters.get(target) }, own)
        good.push(...found)
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error
        failures[target] = {
          ...failures[target],
          [keyId]: { errcode: error.errcode, error: error.message },
        }
      }
    }
    await this.#store(userId, await this.#notStored(userId, good), own)
    return failures
  }

  /** Clients may upload what they have signed once more: that is no news to anybody. */
  async #notStored(userId: string, signatures: readonly KeySignature[]): Promise<KeySignature[]> {
    const targets = [...new Set(signatures.map(each => each.targetUser))]
    const stored = await this.#context.read.signatures.visible(targets, userId)
    const known = new Set(stored.map(textOf))
    return signatures.filter(each => !known.has(textOf(each)))
  }

  async #store(
    userId: string,
    signatures: readonly KeySignature[],
    own: readonly CrossSigningKeyRow[],
  ): Promise<void> {
    if (signatures.length === 0) return
    const { write, clock } = this.#context
    const master = keyFor(own, 'master')
    const ofOwn = signatures.filter(each => each.targetUser === userId)
    const changed = [
      ...new Set(ofOwn.map(each => (each.targetKey === master?.publicKey ? '' : each.targetKey))),
    ]
    const others = [...new Set(signatures.map(each => each.targetUser))].filter(target => target !== userId)
    await this.#context.commit([
      ...write.signatures.set(signatures),
      write.deviceLists.insert(userId, changed, clock.now()),
      // What one has signed of others concerns one's own devices alone.
      write.deviceLists.insertFor(userId, others, clock.now(), changed.length),
    ])
  }

  /** One's own device, signed by the self-signing key; or one's own master key, signed by devices. */
  async #ofOwnKey(
    userId: string,
    keyId: string,
    key: JsonObject,
    own: readonly CrossSigningKeyRow[],
  ): Promise<KeySignature[]> {
    const { read } = this.#context
    const master = keyFor(own, 'master')
    if (keyId === master?.publicKey) {
      refuseOtherContent(key, parseJson(master.json) as JsonObject)
      return this.#ofMasterKey(userId, keyId, key)
    }
    const device = await read.deviceKeys.one(userId, keyId)
    if (device === undefined) throw new MatrixError('M_NOT_FOUND', 'You have no such key.')
    refuseOtherContent(key, parseJson(device.json) as JsonObject)
    return [signed(userId, userId, keyId, key, keyFor(own, 'self_signing'))]
  }

  async #ofMasterKey(userId: string, keyId: string, key: JsonObject): Promise<KeySignature[]> {
    const found: KeySignature[] = []
    for (const signerKey of signatureKeyIds(key, userId)) {
      const deviceId = signerKey.slice('ed25519:'.length)
      if (deviceId === keyId) continue
      const device = await this.#context.read.deviceKeys.one(userId, deviceId)
      const keys = device && (parseJson(device.json) as JsonObject)['keys']
      const publicKey = isJsonObject(keys) ? ownMember(keys, signerKey) : undefined
      if (typeof publicKey !== 'string' || !verifyJson(key, userId, signerKey, publicKey)) throw invalid()
      found.push(signatureRow(userId, userId, keyId, key, signerKey))
    }
    if (found.length === 0) throw invalid()
    return found
  }

  /**
   * The master keys of other users; servers of others are asked all at once. Who has none is missing. What is kept of whom no room
   * is shared with any more may be long out of date: where another key is signed, that is found out.
   */
  async #mastersOf(
    signed: readonly { readonly target: string; readonly keyId: string }[],
    viewer: string,
  ): Promise<ReadonlyMap<string, Master>> {
    const userIds = [...new Set(signed.map(({ target }) => target))]
    const masters = new Map<string, Master>()
    for (const { userId, usage, publicKey, json } of await this.#context.read.crossSigningKeys.ofUsers(
      userIds,
    ))
      if (usage === 'master') masters.set(userId, { publicKey, key: parseJson(json) as JsonObject })
    const named = new Set(signed.map(({ target, keyId }) => `${target} ${keyId}`))
    const isKept = (userId: string): boolean => named.has(`${userId} ${masters.get(userId)?.publicKey}`)
    const unknown = userIds.filter(userId => !this.#context.isLocal(userId) && !isKept(userId))
    if (unknown.length === 0) return masters
    const asked = new Map(unknown.map(userId => [userId, []]))
    const { master_keys: found } = await this.#remote.query(asked, viewer, undefined)
    for (const userId of unknown) {
      const key = found[userId]
      const publicKey = isJsonObject(key?.['keys']) ? Object.values(key['keys'])[0] : undefined
      if (key !== undefined && typeof publicKey === 'string') masters.set(userId, { publicKey, key })
    }
    return masters
  }
}

const keyFor = (rows: readonly CrossSigningKeyRow[], usage: KeyUsage): CrossSigningKeyRow | undefined =>
  rows.find(row => row.usage === usage)

/** Says all of a signature. */
const textOf = ({ targetUser, targetKey, signerUser, signerKey, signature }: KeySignature): string =>
  [targetUser, targetKey, signerUser, signerKey, signature].join(' ')

const invalid = (): MatrixError => new MatrixError('M_INVALID_SIGNATURE', 'The signature is not valid.')

/** "The signed JSON object must match the key previously uploaded", but for the signatures. */
const refuseOtherContent = (key: JsonObject, stored: JsonObject): void => {
  const content = ({ signatures: _, unsigned: __, ...rest }: JsonObject): string => {
    try {
      return canonicalJson(rest)
    } catch {
      throw new MatrixError('M_BAD_JSON', 'The key cannot have been signed.')
    }
  }
  if (content(key) !== content(stored)) {
    throw new MatrixError('M_INVALID_PARAM', 'The key is not the one that was uploaded.')
  }
}

/** Somebody else's master key, signed by one's user-signing key. @throws {MatrixError} */
const ofOtherUser = (
  userId: string,
  {
    target,
    keyId,
    key,
    master,
  }: { target: string; keyId: string; key: JsonObject; master: Master | undefined },
  own: readonly CrossSigningKeyRow[],
): KeySignature[] => {
  if (master === undefined || keyId !== master.publicKey) {
    throw new MatrixError('M_NOT_FOUND', 'This is not the master key of that user.')
  }
  refuseOtherContent(key, master.key)
  return [signed(userId, target, keyId, key, keyFor(own, 'user_signing'))]
}

/** The signature of the user's key `signer`. @throws {MatrixError} `M_INVALID_SIGNATURE` */
const signed = (
  userId: string,
  target: string,
  targetKey: string,
  key: JsonObject,
  signer: CrossSigningKeyRow | undefined,
): KeySignature => {
  const signerKey = `ed25519:${signer?.publicKey}`
  if (signer === undefined || !verifyJson(key, userId, signerKey, signer.publicKey)) throw invalid()
  return signatureRow(userId, target, targetKey, key, signerKey)
}

const signatureRow = (
  signerUser: string,
  targetUser: string,
  targetKey: string,
  key: JsonObject,
  signerKey: string,
): KeySignature => ({
  targetUser,
  targetKey,
  signerUser,
  signerKey,
  signature: signatureOf(key, signerUser, signerKey) ?? '',
})
