/** Two people, or two devices of one, compare emoji: both have to see the same. */
import assert from 'node:assert/strict'
import { CryptoEvent } from 'matrix-js-sdk/lib/crypto-api/index.js'
import {
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  VerificationRequestEvent,
  type Verifier,
  VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/verification.js'
import { inTime, type SdkUser } from '../src/test-kit/js-sdk.ts'

/** Resolves with the next request to verify that reaches a client; call it before the request is made. */
export const nextRequest = ({ client }: SdkUser): Promise<VerificationRequest> =>
  new Promise(resolve => void client.once(CryptoEvent.VerificationRequestReceived, resolve))

const inPhase = (request: VerificationRequest, phase: VerificationPhase): Promise<void> => {
  const reached = new Promise<void>(resolve => {
    const look = () => {
      if (request.phase < phase) return
      request.off(VerificationRequestEvent.Change, look)
      resolve()
    }
    request.on(VerificationRequestEvent.Change, look)
    look()
  })
  return inTime(`${VerificationPhase[phase]} of a verification with ${request.otherUserId}`, reached)
}

/** What a side is shown; it then says that it is the same. */
const shown = (verifier: Verifier): Promise<ShowSasCallbacks> => {
  const known = verifier.getShowSasCallbacks()
  return known === null
    ? new Promise(resolve => void verifier.once(VerifierEvent.ShowSas, resolve))
    : Promise.resolve(known)
}

/** Goes through a verification that one side has asked for and the other got; both confirm what they see. */
export const compareEmoji = async (
  asked: VerificationRequest,
  toOther: Promise<VerificationRequest>,
): Promise<void> => {
  const got = await inTime('a request to verify', toOther)
  await got.accept()
  await inPhase(asked, VerificationPhase.Ready)
  const mine = await asked.startVerification('m.sas.v1')
  const ended = [mine.verify()]
  await inPhase(got, VerificationPhase.Started)
  const theirs = got.verifier
  if (theirs === undefined) throw new Error('the verification has not begun')
  ended.push(theirs.verify())
  const [one, other] = await inTime('the emoji', Promise.all([shown(mine), shown(theirs)]))
  assert.ok(one.sas.emoji)
  assert.deepEqual(one.sas.emoji, other.sas.emoji)
  await Promise.all([one.confirm(), other.confirm()])
  await inTime('the end of a verification', Promise.all(ended))
}
