import { endpoint } from '../../http/endpoint.ts'
import { sendNotice } from '../administered-notices.ts'

export const adminSendServerNotice = endpoint('adminSendServerNotice', ({ body }, services) =>
  sendNotice(body, services),
)
