import {
  at,
  both,
  expect,
  joinThrough,
  makeRoom,
  type Play,
  pair,
  type Scenario,
  seesMembership,
  talk,
} from './interop-parts.ts'
import type { PlainClient } from './plain-client.ts'

const sharedRoom: (first: string, second: string) => Promise<[PlainClient, PlainClient, string]> = async (
  first,
  second,
) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  return [host, guest, roomId]
}

const ephemeral = (who: PlainClient, roomId: string, type: string, userId: string): Promise<unknown> =>
  who.until(type, sync =>
    sync.rooms?.join?.[roomId]?.ephemeral?.events.find(
      event => event.type === type && JSON.stringify(event.content).includes(userId),
    ),
  )

const typing: Play = async (first, second) => {
  const [host, guest, roomId] = await sharedRoom(first, second)
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const path = `${at(roomId)}/typing/${encodeURIComponent(who.userId)}`
    await who.call('PUT', path, { typing: true, timeout: 20_000 })
    await ephemeral(other, roomId, 'm.typing', who.userId)
  }
}

const receipts: Play = async (first, second) => {
  const [host, guest, roomId] = await sharedRoom(first, second)
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const eventId = await other.say(roomId, 'read this')
    expect('heard', await who.hears(roomId, other.userId), 'read this')
    await who.call('POST', `${at(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {})
    await ephemeral(other, roomId, 'm.receipt', who.userId)
  }
}

/** Keys of no use but to be seen: the servers don't check the signatures of devices. */
const uploadKeys = async (who: PlainClient, curve = 'Y3VydmVrZXkA'): Promise<void> => {
  const { userId, deviceId } = who
  const signatures = { [userId]: { [`ed25519:${deviceId}`]: 'c2lnbmF0dXJl' } }
  await who.call('POST', '/keys/upload', {
    device_keys: {
      user_id: userId,
      device_id: deviceId,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: {
        [`curve25519:${deviceId}`]: curve.padEnd(43, 'A'),
        [`ed25519:${deviceId}`]: 'ZWRrZXkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      },
      signatures,
    },
    one_time_keys: {
      'signed_curve25519:AAAAAA': { key: 'b25ldGltZWtleQAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', signatures },
    },
  })
}

const member = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value)

const keys: Play = async (first, second) => {
  const [host, guest] = await sharedRoom(first, second)
  await uploadKeys(host)
  await guest.until('the change of the device list', sync =>
    sync.device_lists?.changed?.find(userId => userId === host.userId),
  )
  const { userId, deviceId } = host
  const queried = await guest.call('POST', '/keys/query', { device_keys: { [userId]: [] } })
  const key = member(queried, 'device_keys', userId, deviceId, 'keys', `curve25519:${deviceId}`)
  expect('the key', key, 'Y3VydmVrZXkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
  const wanted = { one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } }
  const claimed = await guest.call('POST', '/keys/claim', wanted)
  const one = member(claimed, 'one_time_keys', userId, deviceId, 'signed_curve25519:AAAAAA', 'key')
  expect('the one-time key', one, 'b25ldGltZWtleQAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
  const again = await guest.call('POST', '/keys/claim', wanted)
  expect('a key claimed twice', member(again, 'one_time_keys', userId, deviceId), undefined)
}

/** Changes are told, also what changed while no room was shared. */
const deviceLists: Play = async (first, second) => {
  const [host, guest, roomId] = await sharedRoom(first, second)
  const { userId, deviceId } = guest
  const isTold = (what: string): Promise<unknown> =>
    host.until(what, sync => sync.device_lists?.changed?.includes(userId) || undefined)
  const known = async (...path: string[]): Promise<unknown> =>
    member(
      await host.call('POST', '/keys/query', { device_keys: { [userId]: [] } }),
      ...['device_keys', userId, deviceId, ...path],
    )
  await uploadKeys(guest)
  await isTold('the keys')
  expect('the key', await known('keys', `curve25519:${deviceId}`), 'Y3VydmVrZXkA'.padEnd(43, 'A'))
  await guest.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(host, roomId, userId, 'leave')
  await uploadKeys(guest, 'b3RoZXIA')
  await joinThrough(guest, roomId, host)
  await isTold('the return')
  expect('the new key', await known('keys', `curve25519:${deviceId}`), 'b3RoZXIA'.padEnd(43, 'A'))
}

/** What logs out is no device any more, also for those who had known it. */
const logout: Play = async (first, second) => {
  const [host, guest] = await sharedRoom(first, second)
  const { userId } = host
  const changed = (what: string): Promise<unknown> =>
    guest.until(what, sync => sync.device_lists?.changed?.includes(userId) || undefined)
  const devices = async (): Promise<string> => {
    const { device_keys: known } = await guest.call('POST', '/keys/query', { device_keys: { [userId]: [] } })
    return Object.keys((known as Record<string, object>)[userId] ?? {}).join()
  }
  await uploadKeys(host)
  await changed('the keys')
  expect('the device', await devices(), host.deviceId)
  await host.call('POST', '/logout', {})
  await changed('its end')
  expect('the devices after that', await devices(), '')
}

const toDevice: Play = async (first, second) => {
  const [host, guest] = await sharedRoom(first, second)
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const messages = { [other.userId]: { [other.deviceId]: { secret: `from ${who.userId}` } } }
    await who.call('PUT', '/sendToDevice/org.example.secret/t1', { messages })
    const event = await other.until('the message', sync =>
      sync.to_device?.events.find(each => each.type === 'org.example.secret'),
    )
    expect('the sender', event.sender, who.userId)
    expect('the secret', event.content['secret'], `from ${who.userId}`)
  }
}

const presence: Play = async (first, second) => {
  const [host, guest] = await sharedRoom(first, second)
  const path = `/presence/${encodeURIComponent(host.userId)}/status`
  await host.call('PUT', path, { presence: 'online', status_msg: 'Brewing' })
  await guest.until('the status', sync =>
    sync.presence?.events.find(
      event => event.sender === host.userId && event.content['status_msg'] === 'Brewing',
    ),
  )
}

/** What users do beside events. */
export const userScenarios: readonly [string, Scenario][] = [
  ...both('typing is seen', typing),
  ...both('receipts are seen', receipts),
  ...both('presence is seen', presence),
  ...both('keys of a device are found and claimed', keys),
  ...both('device lists follow, also over an absence', deviceLists),
  ...both('a device that is logged out is forgotten', logout),
  ...both('messages go from device to device', toDevice),
]
