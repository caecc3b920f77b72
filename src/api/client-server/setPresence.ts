import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setPresence = endpoint('setPresence', async ({ requester, path, body }, { presence }) => {
  refuseOthers(requester, path.userId)
  const message = requester.isShadowBanned ? undefined : (body.status_msg ?? undefined)
  await presence.set(requester, body.presence, message)
  return {}
})
