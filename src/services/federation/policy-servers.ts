import { LRUCache } from 'lru-cache'
import type { Clock } from '../../core/clock.ts'
import { MatrixError, RelayedError } from '../../core/errors.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { trustedEvent } from '../../core/event/format.ts'
import { POLICY_KEY_ID } from '../../core/policy-server.ts'
import { withSignature } from '../../core/signing.ts'
import { type FederationClient, FederationError } from '../../network/federation-client.ts'
import type { AskPolicyServer } from '../rooms/ports.ts'
import { toClientError } from './outbound/client-errors.ts'

/** Whoever writes in the room waits for it. */
const TIMEOUT_MS = 10_000
/** A policy server that did not answer is not asked for so long: its rooms stand still, but nobody waits for that. */
const PAUSE_MS = 30_000
const MAX_SILENT = 1_000

/**
 * Asks policy servers for their signatures (server-server API, "Asking for a Policy Server signature on an event").
 *
 * "If the Policy Server returned an error, that error SHOULD be provided to the client verbatim": as `RelayedError`, which knows what
 * not to hand on.
 */
export const policyAsker = (parts: {
  client: Pick<FederationClient, 'askPolicyServer'>
  clock: Clock
}): AskPolicyServer => {
  const { client, clock } = parts
  const silentUntil = new LRUCache<string, { readonly until: number; readonly error: unknown }>({
    max: MAX_SILENT,
  })
  return async (event, server) => {
    const silent = silentUntil.get(server)
    if (silent !== undefined && silent.until > clock.now()) throw silent.error
    try {
      const { unsigned: _, ...pdu } = event.pdu
      return signedBy(event, server, await client.askPolicyServer(server, pdu, { timeoutMs: TIMEOUT_MS }))
    } catch (cause) {
      const error = relayed(cause)
      const isSilence = cause instanceof FederationError && SILENCE.has(cause.kind)
      if (isSilence) silentUntil.set(server, { until: clock.now() + PAUSE_MS, error })
      throw error
    }
  }
}

const SILENCE: ReadonlySet<FederationError['kind']> = new Set(['timeout', 'unreachable'])

/** "Those existing signatures might not be returned by the policy server, but should be retained to validate the event." */
const signedBy = (event: RoomEvent, server: string, signature: string): RoomEvent =>
  trustedEvent(withSignature(event.pdu, server, POLICY_KEY_ID, signature), event.eventId, event.version)

const relayed = (cause: unknown): unknown => {
  const error = toClientError(cause)
  if (!(error instanceof MatrixError) || !(cause instanceof FederationError)) return error
  const { status, fields, errcode, destination } = cause
  if (cause.kind !== 'response' || status === undefined || errcode === undefined) return error
  const message = `The policy server ${destination} does not recommend this: ${cause.message}`
  return new RelayedError(message, { status: status < 500 ? status : 502, body: fields, cause })
}
