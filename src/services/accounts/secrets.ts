import { createHash, hash, timingSafeEqual } from 'node:crypto'

/** Answers `size` random bytes, good enough for secrets. */
export type RandomBytes = (size: number) => Uint8Array

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** A new secret to hand out: access, refresh and login tokens, set-up links. 32 random bytes behind our prefix. */
export const newToken = (random: RandomBytes): string => `tsr_${base64Url(random(32))}`

/** A new identifier that must not be guessed but is no secret of its own: 18 random bytes, opaque identifier grammar. */
export const newOpaqueId = (random: RandomBytes): string => base64Url(random(18))

/** What is stored of a token. Tokens are random, so that one fast hash is enough; lookups go by it. */
export const hashToken = (token: string): string => hash('sha256', token, 'base64url')

/** A random text over `alphabet`, without bias. */
export const randomText = (random: RandomBytes, alphabet: string, length: number): string => {
  const limit = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random(length)) {
      if (byte < limit && text.length < length) text += alphabet.charAt(byte % alphabet.length)
    }
  }
  return text
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether two secrets are equal, in a time that tells nothing about where they differ. */
export const sameSecret = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
