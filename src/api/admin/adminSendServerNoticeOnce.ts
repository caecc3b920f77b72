import { endpoint } from '../../http/endpoint.ts'
import { sendNotice } from '../administered-notices.ts'

export const adminSendServerNoticeOnce = endpoint(
  'adminSendServerNoticeOnce',
  ({ requester, path, body }, services) =>
    sendNotice(body, services, { by: requester.userId, txnId: path.txnId }),
)
