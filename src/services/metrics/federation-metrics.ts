import { Counter, Histogram, type Registry } from 'prom-client'
import { REQUEST_SECONDS } from './buckets.ts'

/** What becomes of a received PDU. */
export type PduVerdict = 'accepted' | 'soft-failed' | 'rejected' | 'missing'

/** What is counted of transactions with other servers. */
export interface FederationMetrics {
  /** A transaction was acknowledged, or not, by its destination. */
  sent(result: 'ok' | 'failed', pdus: number, edus: number, milliseconds: number): void
  received(pdus: number, edus: number): void
  judged(verdict: PduVerdict): void
  /** A destination never took an event or EDU, which was therefore passed over. */
  setAside(kind: 'pdu' | 'edu'): void
}

/** Makes its counters in a registry. */
export const federationMetrics = (registry: Registry): FederationMetrics => {
  const registers = [registry]
  const transactions = new Counter({
    name: 'tessera_federation_transactions_total',
    help: 'Transactions, by direction and result',
    labelNames: ['direction', 'result'],
    registers,
  })
  const units = new Counter({
    name: 'tessera_federation_units_total',
    help: 'PDUs and EDUs in transactions, by direction',
    labelNames: ['direction', 'kind'],
    registers,
  })
  const duration = new Histogram({
    name: 'tessera_federation_send_seconds',
    help: 'Time until a destination acknowledged a transaction',
    buckets: REQUEST_SECONDS,
    registers,
  })
  const verdicts = new Counter({
    name: 'tessera_federation_pdus_judged_total',
    help: 'Received PDUs, by what became of them',
    labelNames: ['verdict'],
    registers,
  })
  const setAside = new Counter({
    name: 'tessera_federation_set_aside_total',
    help: 'PDUs and EDUs that a destination never took, and that were passed over',
    labelNames: ['kind'],
    registers,
  })
  const count = (direction: 'in' | 'out', pdus: number, edus: number): void => {
    units.inc({ direction, kind: 'pdu' }, pdus)
    units.inc({ direction, kind: 'edu' }, edus)
  }
  return {
    sent: (result, pdus, edus, milliseconds) => {
      transactions.inc({ direction: 'out', result })
      if (result !== 'ok') return
      count('out', pdus, edus)
      duration.observe(milliseconds / 1000)
    },
    received: (pdus, edus) => {
      transactions.inc({ direction: 'in', result: 'ok' })
      count('in', pdus, edus)
    },
    judged: verdict => verdicts.inc({ verdict }),
    setAside: kind => setAside.inc({ kind }),
  }
}
