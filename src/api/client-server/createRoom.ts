import { MatrixError } from '../../core/errors.ts'
import { isRoomAlias, isUserId } from '../../core/ids.ts'
import { endpoint } from '../../http/endpoint.ts'

/** So many state events are as much to store as many rooms are that begin with none: all others' messages come after them. */
const STATE_OF_A_ROOM = 500

export const createRoom = endpoint('createRoom', async ({ requester, body, limit }, services) => {
  limit('invite', (body.invite?.length ?? 0) + (body.invite_3pid?.length ?? 0))
  limit('create-room', Math.floor((body.initial_state?.length ?? 0) / STATE_OF_A_ROOM))
  // Who is to reach nobody has their room to themselves.
  const { invite = [], invite_3pid: invitedByAddress = [] } = requester.isShadowBanned ? {} : body
  const { invitations, roomCreation, roomSettings, roomRules, appServices, directRooms } = services
  const version = roomSettings.versionFor(body.room_version)
  const alias = aliasOf(body.room_alias_name, roomSettings.serverName)
  if (alias !== undefined) {
    appServices.registry.checkNewAlias(requester, alias)
    if (!appServices.registry.controlsAlias(requester, alias)) roomRules.checkAlias(requester, alias)
  }
  if (body.visibility === 'public') roomRules.checkPublication(requester, alias === undefined ? [] : [alias])
  const room = {
    creator: requester.userId,
    version,
    isVersionWished: body.room_version !== undefined,
    isPublic: body.visibility === 'public' && requester.isShadowBanned !== true,
    preset: body.preset,
    alias,
    name: body.name,
    topic: body.topic,
    invite,
    creationContent: body.creation_content ?? {},
    initialState: (body.initial_state ?? []).map(state => ({
      type: state.type,
      stateKey: state.state_key ?? '',
      content: state.content,
    })),
    powerLevelOverride: body.power_level_content_override ?? {},
    avatarUrl: body['chat.tessera.avatar_url'],
    encryption: body['chat.tessera.encryption'],
    media: body['chat.tessera.media'],
  }
  const isDirect = body.is_direct === true
  const [invited = '', ...others] = room.invite
  const isForTwo = isDirect && others.length === 0 && isUserId(invited) && invited !== requester.userId
  if (directRooms.isReused && isForTwo && !room.isPublic && alias === undefined) {
    const { roomId } = await directRooms.open(requester.userId, invited, {
      ...room,
      beforeMaking: () => roomRules.checkCreation(requester),
    })
    return { room_id: roomId }
  }
  roomRules.checkCreation(requester)
  const plan = invitations.plan(body['chat.tessera.invitation'])
  await invitations.sending.checkSent(requester.userId, room.invite.length)
  const roomId = await roomCreation.create(room, {
    isDirect,
    invite: invitation => invitations.sending.sendFirst({ ...invitation, reason: body.reason }, plan),
    unsent: (invitation, error) =>
      invitations.sending.keep({ ...invitation, reason: body.reason }, plan, error),
  })
  await services.identityInvitations.sendAll(
    invitedByAddress.map(({ medium, address, id_server, id_access_token }) => ({
      ...{ sender: requester.userId, roomId, medium, address, reason: body.reason },
      ...{ idServer: id_server, accessToken: id_access_token },
      content: isDirect ? { is_direct: true } : {},
    })),
    plan,
  )
  return { room_id: roomId }
})

/** The whole alias that a `room_alias_name` stands for. Throws `M_INVALID_PARAM`. */
const aliasOf = (name: string | undefined, serverName: string): string | undefined => {
  if (name === undefined) return undefined
  const alias = `#${name}:${serverName}`
  if (!/^[^:]+$/.test(name) || !isRoomAlias(alias)) {
    throw new MatrixError('M_INVALID_PARAM', 'room_alias_name is the part of the alias between # and :')
  }
  return alias
}
