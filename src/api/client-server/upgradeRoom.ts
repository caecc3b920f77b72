import { endpoint } from '../../http/endpoint.ts'

export const upgradeRoom = endpoint(
  'upgradeRoom',
  async ({ requester, path, body }, { roomUpgrades, roomSettings }) => ({
    replacement_room: await roomUpgrades.upgrade(requester.userId, path.roomId, {
      version: roomSettings.versionFor(body.new_version),
      additionalCreators: body.additional_creators ?? [],
    }),
  }),
)
