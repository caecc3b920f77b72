/** Policy servers: who recommends a room's events (server-server API, "Policy Servers", since v1.18). */

import type { RoomEvent } from './event/event.ts'
import { signedBytes } from './event/signatures.ts'
import { isServerName } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { signatureOf, verifySignature } from './signing.ts'

/** "The Key ID for the `ed25519` key in `m.room.policy` is *always* `ed25519:policy_server`." */
export const POLICY_KEY_ID = 'ed25519:policy_server'

export const POLICY_TYPE = 'm.room.policy'

/** What a room's `m.room.policy` names. */
export interface PolicyServer {
  readonly via: string
  /** Base64 of the key that recommends events, which is not one of those that the server publishes. */
  readonly publicKey: string
}

/** Reads the content of an `m.room.policy` event; `undefined` if it is not valid, which means no policy server. */
export const parsePolicyServer = ({ via, public_keys: keys }: JsonObject): PolicyServer | undefined => {
  const publicKey = isJsonObject(keys) ? keys['ed25519'] : undefined
  if (typeof via !== 'string' || !isServerName(via) || typeof publicKey !== 'string') return undefined
  return { via, publicKey }
}

/** "The Policy Server is not asked to sign `m.room.policy` state events with empty string `state_key`s". */
export const needsNoPolicy = (event: {
  readonly type: string
  readonly stateKey?: string | undefined
}): boolean => event.type === POLICY_TYPE && event.stateKey === ''

/** Whether an event carries the valid signature of a policy server, or needs none. */
export const isRecommended = (event: RoomEvent, { via, publicKey }: PolicyServer): boolean => {
  if (needsNoPolicy(event)) return true
  const signature = signatureOf(event.pdu, via, POLICY_KEY_ID)
  return signature !== undefined && verifySignature(publicKey, signedBytes(event), signature)
}
