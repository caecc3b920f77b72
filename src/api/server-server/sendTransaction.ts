import { endpoint } from '../../http/endpoint.ts'

export const sendTransaction = endpoint('sendTransaction', ({ origin, path, body }, { federation }) =>
  federation.transactions.receive(origin, path.txnId, { pdus: body.pdus ?? [], edus: body.edus ?? [] }),
)
