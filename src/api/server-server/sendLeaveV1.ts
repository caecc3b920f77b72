import { endpoint } from '../../http/endpoint.ts'

/** As version 2, in a list after its status. */
export const sendLeaveV1 = endpoint('sendLeaveV1', async ({ origin, path, body }, { federation }) => {
  await federation.handshakes.sendLeave(origin, { ...path, event: body })
  return [200, {}]
})
