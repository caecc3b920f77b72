import { endpoint } from '../../http/endpoint.ts'
import { pretendedRoom } from '../pretended.ts'

export const upgradeRoom = endpoint(
  'upgradeRoom',
  async ({ requester, path, body }, { roomUpgrades, roomSettings, roomRules }) => {
    roomRules.checkCreation(requester)
    const replacement = await roomUpgrades.upgrade(requester.userId, path.roomId, {
      version: roomSettings.versionFor(body.new_version),
      additionalCreators: body.additional_creators ?? [],
    })
    return { replacement_room: replacement }
  },
  {
    pretend: ({ requester, path, body }) => ({
      replacement_room: pretendedRoom(requester, path.roomId, body.new_version),
    }),
  },
)
