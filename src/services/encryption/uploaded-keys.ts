import { isDeepStrictEqual } from 'node:util'
import { CanonicalJsonError, canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import type { OneTimeKey } from '../../storage/encryption/one-time-keys.ts'

/** Larger identity keys are nobody's: whoever shares a room asks for those of all devices at once. Bytes of JSON. */
export const MAX_DEVICE_KEYS = 16_384
/** The same for a single one-time key. */
export const MAX_ONE_TIME_KEY = 8_192
const MAX_KEY_ID = 255

/** The body of `/keys/upload`, and the part of a dehydrated device that is like it. */
export interface KeyUpload {
  readonly device_keys?: JsonObject | undefined
  readonly one_time_keys?: JsonObject | undefined
  readonly fallback_keys?: JsonObject | undefined
}

/** A body of the API, whose schema has been checked. */
export const asKeyUpload = (body: unknown): KeyUpload => body as KeyUpload

/**
 * Identity keys as they are stored: what the server adds is taken away.
 * @throws {MatrixError} `M_INVALID_PARAM` where they are those of another device; as `keyText`
 */
export const deviceKeysText = (keys: JsonObject, userId: string, deviceId: string): string => {
  if (keys['user_id'] !== userId || keys['device_id'] !== deviceId) {
    throw new MatrixError('M_INVALID_PARAM', 'These are the keys of another user or device.')
  }
  const { unsigned: _, ...signed } = keys
  return keyText(signed, MAX_DEVICE_KEYS)
}

/**
 * One-time or fallback keys, in the order of the upload.
 * @param keys `<algorithm>:<key ID>` → key
 * @throws {MatrixError} `M_INVALID_PARAM`; as `keyText`
 */
export const oneTimeKeys = (keys: JsonObject): OneTimeKey[] =>
  Object.entries(keys).map(([name, key]) => {
    const colon = name.indexOf(':')
    const isWhole = colon > 0 && colon < name.length - 1
    if (!isWhole || name.length > MAX_KEY_ID || name.includes('\0') || !name.isWellFormed()) {
      throw new MatrixError('M_INVALID_PARAM', 'A key is named by its algorithm, a colon and its ID.')
    }
    return {
      algorithm: name.slice(0, colon),
      keyId: name.slice(colon + 1),
      json: keyText(key ?? null, MAX_ONE_TIME_KEY),
    }
  })

/** Fallback keys: "at most one key per algorithm". @throws {MatrixError} `M_INVALID_PARAM`; as `keyText` */
export const fallbackKeys = (keys: JsonObject): OneTimeKey[] => {
  const parsed = oneTimeKeys(keys)
  if (new Set(parsed.map(key => key.algorithm)).size < parsed.length) {
    throw new MatrixError('M_INVALID_PARAM', 'There is one fallback key for each algorithm.')
  }
  return parsed
}

/** Whether two uploads of a key are the same key, whatever their signatures. */
export const isSameKey = (one: string, other: string): boolean => {
  if (one === other) return true
  const material = (text: string): JsonValue | undefined => {
    const key = parseJson(text)
    return isJsonObject(key) ? key['key'] : key
  }
  return material(one) === material(other)
}

/** Keys without what may be added to them. */
export const withoutSignatures = ({ signatures: _, ...keys }: JsonObject): JsonObject => keys

/** What identity keys are made of: by these other devices send, and with them are one-time keys signed. */
export const keysAlone = ({ keys }: JsonObject): JsonObject => ({ keys: keys ?? null })

/**
 * Whether two texts of identity keys say the same, in whatever order.
 * @param part what of them is compared
 */
export const isSameJson = (
  one: string,
  other: string,
  part = (keys: JsonObject): JsonObject => keys,
): boolean =>
  one === other || isDeepStrictEqual(part(parseJson(one) as JsonObject), part(parseJson(other) as JsonObject))

/**
 * A key as it is stored. What has no canonical form cannot have been signed, nor can we tell other servers of it.
 * @param limit bytes of JSON
 * @throws {MatrixError} `M_KEY_TOO_LARGE`, `M_BAD_JSON`; `M_INVALID_PARAM` where it holds NUL
 */
export const keyText = (value: JsonValue, limit: number): string => {
  const text = JSON.stringify(value)
  if (Buffer.byteLength(text) > limit) throw new MatrixError('M_KEY_TOO_LARGE', 'This key is too large.')
  // PostgreSQL cannot store it, and no key contains it.
  if (text.includes('\\u0000')) throw new MatrixError('M_INVALID_PARAM', 'A key contains no NUL.')
  try {
    canonicalJson(value, { strictNumbers: true })
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error
    throw new MatrixError('M_BAD_JSON', `This is no key: ${error.message}.`)
  }
  return text
}
