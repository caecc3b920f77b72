import type { BackedUpKey } from '../../storage/encryption/key-backups.ts'

/**
 * Whether an uploaded key takes the place of the one that is there (module "End-to-End Encryption", "Server-side key
 * backups"): a verified one before one that is not, then the one that decrypts from an earlier message on, then the
 * one that was forwarded less often.
 */
export const isBetterKey = (uploaded: BackedUpKey, stored: BackedUpKey): boolean => {
  if (uploaded.isVerified !== stored.isVerified) return uploaded.isVerified
  if (uploaded.firstMessageIndex !== stored.firstMessageIndex) {
    return uploaded.firstMessageIndex < stored.firstMessageIndex
  }
  return uploaded.forwardedCount < stored.forwardedCount
}
