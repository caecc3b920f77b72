import type { Clock } from '../../../../core/clock.ts'
import type { Log } from '../../../../core/log.ts'
import { transactionBody } from '../../../../network/federation/transactions.ts'
import type { FederationClient } from '../../../../network/federation-client.ts'

/** Away for so long, others have given up trying to reach us for a while: their waits grow up to a day. */
export const LONG_ABSENCE_MS = 30 * 60_000
/** One peer after another, so that our return is no flood for us either, when they all catch up. */
const INTERVAL_MS = 500
const TIMEOUT_MS = 20_000

/**
 * Tells peers that this server is back, with an empty transaction to each: whoever hears of a server tries it again (as we
 * do), rather than when its wait is over. `servers` come in the order of their weight; those that fail are left alone.
 */
export const wakePeers = async (
  servers: readonly string[],
  parts: {
    readonly federation: Pick<FederationClient, 'sendTransaction'>
    readonly origin: string
    readonly newTxnId: () => string
    readonly clock: Clock
    readonly log: Log
    readonly signal: AbortSignal
  },
): Promise<void> => {
  const { federation, origin, newTxnId, clock, log, signal } = parts
  const underWay = new Set<Promise<void>>()
  for (const server of servers) {
    if (signal.aborted) break
    const body = transactionBody({ origin, originServerTs: clock.now(), pdus: [], edus: [] })
    const waking = federation
      .sendTransaction(server, { txnId: newTxnId(), body }, { signal, timeoutMs: TIMEOUT_MS })
      .then(
        () => undefined,
        error => log.debug({ server, err: error }, 'a server was not told that we are back'),
      )
      .finally(() => underWay.delete(waking))
    underWay.add(waking)
    await clock.sleep(INTERVAL_MS, signal).catch(() => undefined)
  }
  await Promise.all(underWay)
}
