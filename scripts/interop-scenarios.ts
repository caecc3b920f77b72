import { crowdScenarios } from './interop-crowds.ts'
import { encryptionScenarios } from './interop-encryption.ts'
import { mediaScenarios } from './interop-media.ts'
import { membershipScenarios } from './interop-memberships.ts'
import { outageScenarios } from './interop-outages.ts'
import {
  accept,
  at,
  both,
  expect,
  invite,
  joinThrough,
  makeRoom,
  pair,
  type Scenario,
  sees,
  serverOf,
  sharedVersion,
  talk,
} from './interop-parts.ts'
import { policyScenarios } from './interop-policy.ts'
import { queryScenarios } from './interop-queries.ts'
import { roomScenarios } from './interop-rooms.ts'
import { userScenarios } from './interop-users.ts'

/** A room is made on the first server; somebody of the second is invited, accepts, and both talk. */
const conversation =
  (version: string) =>
  async (first: string, second: string): Promise<void> => {
    const [host, guest] = await pair(first, second)
    const roomId = await makeRoom(host, { room_version: await sharedVersion(host, guest, version) })
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
  const alias = `#room-of-${localpart}:${serverOf(host)}`
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
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  await host.call('PUT', `${at(roomId)}/state/m.room.topic/`, { topic: 'Changed' })
  await guest.until('the topic', sync =>
    sync.rooms?.join?.[roomId]?.timeline.events.find(event => event.content['topic'] === 'Changed'),
  )
  await host.call('POST', `${at(roomId)}/ban`, { user_id: guest.userId })
  await guest.until('the ban', sync => sync.rooms?.leave?.[roomId])
}

const redaction =
  (version: string) =>
  async (first: string, second: string): Promise<void> => {
    const [host, guest] = await pair(first, second)
    const room_version = await sharedVersion(host, guest, version)
    const roomId = await makeRoom(host, { preset: 'public_chat', room_version })
    await joinThrough(guest, roomId, host)
    await talk(host, guest, roomId)
    // Their own, and then one of the guest, which needs power.
    for (const author of [host, guest]) {
      const eventId = await author.say(roomId, 'oops')
      await sees(author === host ? guest : host, roomId, 'the slip', event => event.event_id === eventId)
      const path = `${at(roomId)}/redact/${encodeURIComponent(eventId)}/of ${author.userId}`
      const { event_id: redactionId } = await host.call('PUT', path, { reason: 'typo' })
      await sees(guest, roomId, 'the redaction', event => event.event_id === redactionId)
      const redacted = await guest.call('GET', `${at(roomId)}/event/${encodeURIComponent(eventId)}`)
      expect('what is left of the event', JSON.stringify(redacted['content']), '{}')
    }
  }

/** What is tried, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'].flatMap(version =>
    both(`a conversation in room version ${version}`, conversation(version)),
  ),
  ...both('an invitation is declined', decline),
  ...both('an invitation is withdrawn', cancel),
  ...both('a public room is joined by its alias, with its history', publicByAlias),
  ...both('topic and ban', moderation),
  ...['1', '10', '11', '12'].flatMap(version =>
    both(`messages are redacted in room version ${version}`, redaction(version)),
  ),
  ...membershipScenarios,
  ...roomScenarios,
  ...queryScenarios,
  ...policyScenarios,
  ...crowdScenarios,
  ...outageScenarios,
  ...userScenarios,
  ...mediaScenarios,
  ...encryptionScenarios,
])
