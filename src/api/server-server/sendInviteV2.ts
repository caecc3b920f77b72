import { endpoint } from '../../http/endpoint.ts'

export const sendInviteV2 = endpoint('sendInviteV2', async ({ origin, path, body }, { federation }) => ({
  event: await federation.invitations.receive(origin, {
    ...path,
    event: body.event,
    roomVersion: body.room_version,
    roomState: body.invite_room_state ?? [],
  }),
}))
