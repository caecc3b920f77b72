import { hash, timingSafeEqual } from 'node:crypto'

/** 43 to 128 unreserved characters (RFC 7636, 4.1). */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

/** Whether a verifier is the one whose hash came with the authorisation request, by the method `S256`. */
export const isVerifierOf = (verifier: string, challenge: string): boolean => {
  if (!VERIFIER.test(verifier)) return false
  const [ours, theirs] = [Buffer.from(hash('sha256', verifier, 'base64url')), Buffer.from(challenge)]
  return ours.length === theirs.length && timingSafeEqual(ours, theirs)
}
