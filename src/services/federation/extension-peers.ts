import type { Clock } from '../../core/clock.ts'
import { ExpiringCache } from '../../network/expiring-cache.ts'
import { type FederationClient, FederationError } from '../../network/federation-client.ts'
import { toClientError } from './outbound/client-errors.ts'

/** Whoever asks waits for it. */
const TIMEOUT_MS = 10_000
const DAY_MS = 24 * 60 * 60_000
/** Servers are updated: what does not know our extensions may soon. */
const MINUTE_MS = 60_000

/**
 * Tells whether another server knows our extensions, as its version says (`chat.tessera`).
 * Throws `MatrixError` where it does not answer: `M_CONNECTION_FAILED`, `M_CONNECTION_TIMEOUT`, `M_UNKNOWN`.
 */
export const extensionPeers = (parts: {
  client: Pick<FederationClient, 'getVersion'>
  clock: Clock
}): ((server: string) => Promise<boolean>) => {
  const { client, clock } = parts
  const known = new ExpiringCache<boolean>(clock, 'extension_peers')
  return server =>
    known.get(server, async () => {
      try {
        const { isOurs } = await client.getVersion(server, { timeoutMs: TIMEOUT_MS })
        return { value: isOurs, lifetimeMs: isOurs ? DAY_MS : MINUTE_MS }
      } catch (error) {
        if (saysNothing(error)) return { value: false, lifetimeMs: MINUTE_MS }
        throw toClientError(error)
      }
    })
}

/** It answers, and has no version that could be read. */
const saysNothing = (error: unknown): boolean => {
  if (!(error instanceof FederationError)) return false
  const { kind, status = 500 } = error
  if (kind === 'response') return status < 500 && status !== 429
  return kind === 'malformed' || kind === 'too-large' || kind === 'denied'
}
