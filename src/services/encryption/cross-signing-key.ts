import { decodeBase64, unpad } from '../../core/base64.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { KeyUsage } from '../../storage/encryption/cross-signing-keys.ts'

/** Larger keys are nobody's: whoever shares a room asks for those of everybody in it at once. Bytes of JSON. */
export const MAX_CROSS_SIGNING_KEY = 65_536

/**
 * The public part of a cross-signing key, as unpadded base64; `undefined` where the object is no such key of this
 * user and usage: exactly one Ed25519 key, named by itself.
 */
export const publicKeyOf = (key: JsonObject, userId: string, usage: KeyUsage): string | undefined => {
  const { user_id: owner, usage: usages, keys } = key
  if (owner !== userId || !Array.isArray(usages) || !usages.includes(usage) || !isJsonObject(keys))
    return undefined
  const entries = Object.entries(keys)
  const [name, publicKey] = entries[0] ?? []
  if (entries.length !== 1 || typeof publicKey !== 'string' || name !== `ed25519:${publicKey}`)
    return undefined
  const isWhole = decodeBase64(publicKey)?.length === 32 && unpad(publicKey) === publicKey
  return isWhole ? publicKey : undefined
}
