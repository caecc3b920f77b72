import { MatrixError } from '../../core/errors.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { OneTimeKey } from '../../storage/encryption/one-time-keys.ts'
import type { EncryptionContext } from './context.ts'
import type { KnownKeysLeft } from './known-keys-left.ts'
import {
  deviceKeysText,
  fallbackKeys,
  isSameJson,
  isSameKey,
  type KeyUpload,
  keysAlone,
  oneTimeKeys,
  withoutSignatures,
} from './uploaded-keys.ts'

/** A device that has so many unclaimed keys needs no more. */
const MAX_ONE_TIME_KEYS = 2_000

/** Keys that were given out are remembered for so long, in case an upload is repeated. */
const REMEMBER_CLAIMED_MS = 7 * 86_400_000

/** How many keys are there, by algorithm; `signed_curve25519`, which clients look for, also when there are none. */
export const keyCounts = async (
  { read }: EncryptionContext,
  userId: string,
  deviceId: string,
): Promise<Record<string, number>> => ({
  signed_curve25519: 0,
  ...(await read.oneTimeKeys.counts(userId, deviceId)),
})

/** Uploads of devices' own keys (module "End-to-End Encryption", "Uploading keys"). */
export class DeviceKeys {
  readonly #context: EncryptionContext
  readonly #keysLeft: KnownKeysLeft

  constructor(context: EncryptionContext, keysLeft: KnownKeysLeft) {
    this.#context = context
    this.#keysLeft = keysLeft
  }

  /**
   * Stores what a device publishes; answers how many one-time keys it then has. All of it or, on an error, nothing.
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_KEY_TOO_LARGE`, `M_USER_LIMIT_EXCEEDED`, `M_FORBIDDEN` where the
   *   device ID is one of the user's cross-signing keys, `M_UNKNOWN_TOKEN` where the device is being removed
   */
  async upload(userId: string, deviceId: string, keys: KeyUpload): Promise<Record<string, number>> {
    const statements = await this.uploadStatements(userId, deviceId, keys)
    const result = await this.#keysLeft.commit([{ userId, deviceId }], statements)
    if (!result.ok) throw new MatrixError('M_UNKNOWN_TOKEN', 'This device has been removed.')
    return keyCounts(this.#context, userId, deviceId)
  }

  /**
   * The statements of an upload.
   * @param place `offset`: the first position of the set in `device_lists` that they may take; they take one at most.
   *   `isEmpty`: whatever the device has is removed before, in the same set.
   */
  async uploadStatements(
    userId: string,
    deviceId: string,
    keys: KeyUpload,
    { offset, isEmpty }: { offset: number; isEmpty: boolean } = { offset: 0, isEmpty: false },
  ): Promise<WriteStatement[]> {
    const { write, clock } = this.#context
    const { device_keys: identity, one_time_keys: once = {}, fallback_keys: fallback = {} } = keys
    const text = identity === undefined ? undefined : deviceKeysText(identity, userId, deviceId)
    const fallbacks = fallbackKeys(fallback)
    const known = isEmpty ? undefined : (await this.#context.read.deviceKeys.one(userId, deviceId))?.json
    const parsed = oneTimeKeys(once)
    const isAnother = text !== undefined && known !== undefined && !isSameJson(text, known, keysAlone)
    const isMore = text !== undefined && known !== undefined && isSameJson(text, known, withoutSignatures)
    const fresh = isEmpty || isAnother ? parsed : await this.#freshKeys(userId, deviceId, parsed)
    if (fresh.length > MAX_ONE_TIME_KEYS) throw tooMany()
    const before = clock.now() - REMEMBER_CLAIMED_MS
    return [
      ...(text === undefined || (known !== undefined && isSameJson(text, known))
        ? []
        : await this.#identityStatements(userId, deviceId, { text, isMore }, offset)),
      // Whoever holds these keys has lost those that signed the others, which nobody could use (a bot whose store is gone).
      ...(isAnother ? write.oneTimeKeys.dropDevices(userId, [deviceId]) : []),
      ...(fresh.length === 0
        ? []
        : [
            write.oneTimeKeys.forgetClaimed(userId, deviceId, before),
            write.oneTimeKeys.insert(userId, deviceId, fresh),
          ]),
      write.oneTimeKeys.setFallback(userId, deviceId, fallbacks),
    ]
  }

  async #identityStatements(
    userId: string,
    deviceId: string,
    { text, isMore }: { text: string; isMore: boolean },
    offset: number,
  ): Promise<WriteStatement[]> {
    const { read, write, clock } = this.#context
    // "Servers therefore must ensure that device IDs will not collide with cross-signing public keys."
    const crossSigning = await read.crossSigningKeys.ofUsers([userId])
    if (crossSigning.some(key => key.publicKey === deviceId)) {
      throw new MatrixError('M_FORBIDDEN', 'This device ID is the ID of a cross-signing key.')
    }
    return [
      write.deviceKeys.set(userId, deviceId, text),
      // What was signed were other keys, unless these only bring further signatures.
      ...(isMore ? [] : write.signatures.dropTargets(userId, [deviceId])),
      write.deviceLists.insert(userId, [deviceId], clock.now(), offset),
    ]
  }

  /** Those of the keys that are new. */
  async #freshKeys(userId: string, deviceId: string, keys: readonly OneTimeKey[]): Promise<OneTimeKey[]> {
    if (keys.length === 0) return []
    const { read } = this.#context
    const known = await read.oneTimeKeys.known(
      userId,
      deviceId,
      keys.map(key => key.keyId),
    )
    const fresh = keys.filter(key => {
      const same = known.find(({ algorithm, keyId }) => algorithm === key.algorithm && keyId === key.keyId)
      if (same === undefined) return true
      if (isSameKey(same.json, key.json)) return false
      // Nobody holds the old key any more, so its ID may stand for another one.
      if (same.isClaimed) return true
      // matrix-rust-sdk finds out by the first words that its store has lost keys, and tells its user.
      throw new MatrixError('M_INVALID_PARAM', `One time key ${key.algorithm}:${key.keyId} already exists.`)
    })
    const counts = await read.oneTimeKeys.counts(userId, deviceId)
    const total = Object.values(counts).reduce((sum, count) => sum + count, fresh.length)
    if (total > MAX_ONE_TIME_KEYS) {
      throw tooMany()
    }
    return fresh
  }
}

const tooMany = (): MatrixError =>
  new MatrixError('M_USER_LIMIT_EXCEEDED', 'This device has too many one-time keys.')
