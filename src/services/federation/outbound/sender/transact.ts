import { transactionBody } from '../../../../network/federation/transactions.ts'
import type { OutboundContext } from '../context.ts'
import { PduTexts } from './pdu-texts.ts'
import type { SenderContext } from './sender-context.ts'

/** What sends one transaction, until the signal; counts it, and logs which of its events the destination refused. */
export const createTransact = (
  { core, clock, federation, log, metrics }: OutboundContext,
  signal: AbortSignal,
): SenderContext['transact'] => {
  const texts = new PduTexts()
  return async (server, { txnId, events }, edus) => {
    const nids = events.map(event => event.nid).filter(nid => nid !== undefined)
    if (nids.length === 0 && edus.length === 0) return
    const pdus = (await core.context.read.events.byNids(nids)).map(stored => texts.of(stored))
    const started = clock.now()
    const body = transactionBody({ origin: core.context.serverName, originServerTs: started, pdus, edus })
    const count = (result: 'ok' | 'failed') =>
      metrics?.sent(result, pdus.length, edus.length, clock.now() - started)
    try {
      for (const [eventId, reason] of await federation.sendTransaction(server, { txnId, body }, { signal })) {
        log.info({ server, event: eventId, reason }, 'another server refused an event of ours')
      }
    } catch (error) {
      count('failed')
      throw error
    }
    count('ok')
  }
}
