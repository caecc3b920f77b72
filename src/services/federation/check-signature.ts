import { verify } from 'node:crypto'
import { readSignature } from '../../core/signing.ts'
import type { Answer } from '../answer.ts'

/** Tells whether a signature is that of a message under a public key, as `verifySignature` does. Never throws or rejects. */
export type CheckSignature = (publicKey: string, message: Uint8Array, signature: string) => Answer<boolean>

/** Has a thread of Node's pool look at it: what takes 100 µs there takes this thread 10, where several are looked at together. */
export const checkInThread: CheckSignature = (publicKey, message, signature) => {
  const read = readSignature(publicKey, signature)
  if (read === undefined) return false
  return new Promise(resolve => {
    verify(null, message, read.key, read.signature, (error, isValid) => resolve(error === null && isValid))
  })
}
