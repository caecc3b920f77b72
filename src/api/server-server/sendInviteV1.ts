import { isJsonObject } from '../../core/json.ts'
import { endpoint } from '../../http/endpoint.ts'

/** Version 1 does not say the room version, and is for rooms of versions 1 and 2, whose events have one form. */
export const sendInviteV1 = endpoint('sendInviteV1', async ({ origin, path, body }, { federation }) => {
  const { unsigned } = body
  const roomState = isJsonObject(unsigned) ? unsigned['invite_room_state'] : undefined
  const event = await federation.invitations.receive(origin, {
    ...path,
    event: body,
    roomVersion: '1',
    roomState: Array.isArray(roomState) ? roomState : [],
  })
  return [200, { event }]
})
