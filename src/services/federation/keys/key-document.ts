import { signatureKeyIds, verifyJson } from '../../../core/signing.ts'
import type { ServerKeys } from '../../../network/federation/keys.ts'
import type { ServerKeyDocument, ServerKeyRow } from '../../../storage/federation/server-keys.ts'

/**
 * "Servers MUST use the lesser of this field and 7 days into the future when determining if a key is valid", so that
 * a stolen key cannot be made valid for ever.
 */
const MAX_VALIDITY_MS = 7 * 24 * 60 * 60_000

const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,100}$/

/** Whether a key can have this ID. Whoever signs an event may write there what they like, 60 KB of it. */
export const isKeyId = (keyId: string): boolean => KEY_ID.test(keyId)

/** Whether a server has signed the document with one of the keys that it says are its own. */
export const isSelfSigned = ({ serverName, verifyKeys, raw }: ServerKeys): boolean =>
  signatureKeyIds(raw, serverName).some(keyId => {
    const key = verifyKeys.get(keyId)
    return key !== undefined && verifyJson(raw, serverName, keyId, key)
  })

/** What is stored of a document whose signature was verified. Keys of algorithms that are not known are left out. */
export const rowsOf = (
  keys: ServerKeys,
  now: number,
): { readonly rows: ServerKeyRow[]; readonly document: ServerKeyDocument } => {
  const { serverName } = keys
  const validUntilTs = Math.min(keys.validUntilTs, now + MAX_VALIDITY_MS)
  const common = { serverName, validUntilTs, fetchedTs: now }
  const rows = new Map<string, ServerKeyRow>()
  for (const [keyId, { key, expiredTs }] of keys.oldVerifyKeys) {
    if (!isKeyId(keyId) || !Number.isSafeInteger(expiredTs)) continue
    rows.set(keyId, { ...common, keyId, publicKey: key, expiredTs })
  }
  for (const [keyId, publicKey] of keys.verifyKeys) {
    if (isKeyId(keyId)) rows.set(keyId, { ...common, keyId, publicKey, expiredTs: undefined })
  }
  return { rows: [...rows.values()], document: { ...common, document: keys.raw } }
}

/** Whether a key was in use at an instant (rooms/v5.md, "Signing key validity period"). */
export const isValidAt = (row: ServerKeyRow, instant: number): boolean =>
  row.expiredTs === undefined ? instant <= row.validUntilTs : !isExpiredAt(row, instant)

/**
 * Whether a key was out of use at an instant. "Any keys that are known to have expired prior to the event's `origin_server_ts` are
 * ignored" in every room version, while `valid_until_ts` "MUST be ignored in room versions 1, 2, 3, and 4".
 */
export const isExpiredAt = ({ expiredTs }: ServerKeyRow, instant: number): boolean =>
  expiredTs !== undefined && instant > expiredTs
