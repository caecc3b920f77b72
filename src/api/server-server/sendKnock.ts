import { endpoint } from '../../http/endpoint.ts'

export const sendKnock = endpoint('sendKnock', async ({ origin, path, body }, { federation }) => ({
  knock_room_state: await federation.handshakes.sendKnock(origin, { ...path, event: body }),
}))
