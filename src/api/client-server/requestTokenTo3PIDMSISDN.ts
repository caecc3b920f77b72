import { endpoint } from '../../http/endpoint.ts'
import { mediumNotSupported } from '../../services/accounts/email-refusals.ts'

/** Telephone numbers cannot be validated: this server sends no short messages. */
export const requestTokenTo3PIDMSISDN = endpoint('requestTokenTo3PIDMSISDN', async () => {
  throw mediumNotSupported('Telephone numbers')
})
