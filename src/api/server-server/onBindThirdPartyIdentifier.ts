import { endpoint } from '../../http/endpoint.ts'

export const onBindThirdPartyIdentifier = endpoint(
  'onBindThirdPartyIdentifier',
  async ({ body: { mxid, invites } }, { federation, memberships }) => {
    const bound = invites.map(({ room_id: roomId, ...invite }) => ({ ...invite, roomId }))
    await federation.thirdPartyInvites.bound(mxid, bound, memberships)
    return {}
  },
)
