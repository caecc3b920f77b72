import type { Services } from '../services/index.ts'

/** The devices of a user of this server, as administrators see them. @throws {MatrixError} `M_INVALID_PARAM`, `M_NOT_FOUND` */
export const administeredDevices = async ({ accounts, encryption }: Services, userId: string) => {
  await accounts.administered.one(userId)
  const devices = await accounts.devices.all(userId)
  const dehydrated = await encryption.dehydrated.idOf(userId)
  return devices.map(device => ({
    device_id: device.deviceId,
    user_id: userId,
    display_name: device.displayName ?? null,
    last_seen_ip: device.lastSeenIp ?? null,
    last_seen_ts: device.lastSeenTs ?? null,
    last_seen_user_agent: device.lastSeenUserAgent ?? null,
    ...(dehydrated === undefined ? {} : { dehydrated: device.deviceId === dehydrated }),
  }))
}
