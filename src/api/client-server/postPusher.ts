import { endpoint } from '../../http/endpoint.ts'

export const postPusher = endpoint('postPusher', async ({ requester, body }, { pushers }) => {
  await pushers.set(requester, body)
  return {}
})
