import { crowdScenarios } from './interop-crowds.ts'
import { encryptionScenarios } from './interop-encryption.ts'
import { mediaScenarios } from './interop-media.ts'
import { membershipScenarios } from './interop-memberships.ts'
import { accept, at, both, expect, invite, makeRoom, pair, type Scenario, talk } from './interop-parts.ts'
import { roomScenarios } from './interop-rooms.ts'
import { userScenarios } from './interop-users.ts'

/** A room is made on the first server; somebody of the second is invited, accepts, and both talk. */
const conversation =
  (version?: string) =>
  async (first: string, second: string): Promise<void> => {
    const [host, guest] = await pair(first, second)
    const roomId = await makeRoom(host, version === undefined ? {} : { room_version: version })
    await invite(host, guest, roomId)
    await accept(guest, roomId)
    await talk(host, guest, roomId)
  }

const decline = async (first: string, second: string): Promise<void> => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host)
  await invite(host, guest, roomId)
  await guest.call('POST', `${at(roomId)}/leave`, { reason: 'Not today' })
  const left = await host.until('the refusal', sync =>
    sync.rooms?.join?.[roomId]?.timeline.events.find(
      event => event.state_key === guest.userId && event.content.membership === 'leave',
    ),
  )
  expect('who has left', left.sender, guest.userId)
}

const cancel = async (first: string, second: string): Promise<void> => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host)
  await invite(host, guest, roomId)
  await host.call('POST', `${at(roomId)}/kick`, { user_id: guest.userId })
  await guest.until('the end of the invitation', sync => sync.rooms?.leave?.[roomId])
}

const publicByAlias = async (first: string, second: string): Promise<void> => {
  const [host, guest] = await pair(first, second)
  const localpart = host.userId.slice(1).split(':')[0]
  const roomId = await makeRoom(host, {
    preset: 'public_chat',
    room_alias_name: `room-of-${localpart}`,
    name: 'Public',
  })
  await host.say(roomId, 'before you came')
  const alias = `#room-of-${localpart}:${host.userId.slice(host.userId.indexOf(':') + 1)}`
  await guest.call('POST', `/join/${encodeURIComponent(alias)}`, {})
  await talk(host, guest, roomId)
  const page = await guest.call('GET', `${at(roomId)}/messages?dir=b&limit=50`)
  const bodies = (page['chunk'] as unknown as { content: { body?: string } }[]).map(
    event => event.content.body,
  )
  expect('history before the join', bodies.includes('before you came'), true)
}

const moderation = async (first: string, second: string): Promise<void> => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await guest.call(
    'POST',
    `/join/${encodeURIComponent(roomId)}?server_name=${host.userId.split(':').slice(1).join(':')}&via=${host.userId.split(':').slice(1).join(':')}`,
    {},
  )
  await talk(host, guest, roomId)
  await host.call('PUT', `${at(roomId)}/state/m.room.topic/`, { topic: 'Changed' })
  await guest.until('the topic', sync =>
    sync.rooms?.join?.[roomId]?.timeline.events.find(event => event.content['topic'] === 'Changed'),
  )
  const eventId = await host.say(roomId, 'oops')
  await guest.hears(roomId, host.userId)
  await host.call('PUT', `${at(roomId)}/redact/${encodeURIComponent(eventId)}/r1`, { reason: 'typo' })
  await guest.until('the redaction', sync =>
    sync.rooms?.join?.[roomId]?.timeline.events.find(event => event.type === 'm.room.redaction'),
  )
  const redacted = await guest.call('GET', `${at(roomId)}/event/${encodeURIComponent(eventId)}`)
  expect('what is left of the event', JSON.stringify(redacted['content']), '{}')
  await host.call('POST', `${at(roomId)}/ban`, { user_id: guest.userId })
  await guest.until('the ban', sync => sync.rooms?.leave?.[roomId])
}

/** What is tried, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'].flatMap(version =>
    both(`a conversation in room version ${version}`, conversation(version)),
  ),
  ...both('an invitation is declined', decline),
  ...both('an invitation is withdrawn', cancel),
  ...both('a public room is joined by its alias, with its history', publicByAlias),
  ...both('topic, redaction and ban', moderation),
  ...membershipScenarios,
  ...roomScenarios,
  ...crowdScenarios,
  ...userScenarios,
  ...mediaScenarios,
  ...encryptionScenarios,
])
