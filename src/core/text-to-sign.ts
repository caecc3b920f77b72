import { type KeyObject, sign } from 'node:crypto'
import { encodeBase64 } from './base64.ts'

/** The Ed25519 signature of a message, as unpadded base64. */
export const ed25519 = (message: Uint8Array, key: KeyObject): string => encodeBase64(sign(null, message, key))

/** Characters of a signature: 64 bytes as unpadded base64. */
const SIGNATURE_LENGTH = 86

/**
 * A text that lacks one signature. Whoever needs the text makes it, on whichever thread: Ed25519 signs the same always alike,
 * so that it does not matter where that is done, nor how often.
 */
export interface TextToSign {
  readonly key: KeyObject
  /** What the signature covers. */
  readonly signed: string
  /** The text before the signature, and after it. */
  readonly before: string
  readonly after: string
}

/** The whole text. */
export const signedTextOf = ({ key, signed, before, after }: TextToSign): string =>
  `${before}${ed25519(Buffer.from(signed), key)}${after}`

/** The length of the whole text in bytes. */
export const signedLength = ({ before, after }: TextToSign): number =>
  Buffer.byteLength(before) + SIGNATURE_LENGTH + Buffer.byteLength(after)
