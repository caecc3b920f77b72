import { endpoint } from '../../http/endpoint.ts'

export const sendLeaveV2 = endpoint('sendLeaveV2', async ({ origin, path, body }, { federation }) => {
  await federation.handshakes.sendLeave(origin, { ...path, event: body })
  return {}
})
