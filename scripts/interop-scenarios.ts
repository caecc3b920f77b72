import { type PlainClient, registerPlainClient } from './plain-client.ts'

/** A scenario between two servers, given by the addresses of their client APIs: ours, and the other one. */
export type Scenario = (ours: string, theirs: string) => Promise<void>

let people = 0

/** Somebody new on each of the two servers. */
const pair = async (first: string, second: string): Promise<[PlainClient, PlainClient]> => {
  people += 1
  return [await registerPlainClient(first, `ann${people}`), await registerPlainClient(second, `ben${people}`)]
}

const expect = (what: string, actual: unknown, wanted: unknown): void => {
  if (actual !== wanted) throw new Error(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`)
}

const makeRoom = async (maker: PlainClient, fields: object = {}): Promise<string> =>
  String((await maker.call('POST', '/createRoom', fields))['room_id'])

const at = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

const invite = async (host: PlainClient, guest: PlainClient, roomId: string): Promise<void> => {
  await host.call('POST', `${at(roomId)}/invite`, { user_id: guest.userId, reason: 'Come in' })
  await guest.until('the invitation', sync => sync.rooms?.invite?.[roomId])
}

const accept = async (guest: PlainClient, roomId: string): Promise<void> => {
  await guest.call('POST', `/join/${encodeURIComponent(roomId)}`, {})
}

/** Both talk, and hear each other. */
const talk = async (one: PlainClient, other: PlainClient, roomId: string): Promise<void> => {
  await one.say(roomId, `hello from ${one.userId}`)
  expect('heard', await other.hears(roomId, one.userId), `hello from ${one.userId}`)
  await other.say(roomId, `hello from ${other.userId}`)
  expect('heard', await one.hears(roomId, other.userId), `hello from ${other.userId}`)
}

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

const both = (
  name: string,
  scenario: (first: string, second: string) => Promise<void>,
): [string, Scenario][] => [
  [`${name}, room made here`, (ours, theirs) => scenario(ours, theirs)],
  [`${name}, room made there`, (ours, theirs) => scenario(theirs, ours)],
]

/** What is tried, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'].flatMap(version =>
    both(`a conversation in room version ${version}`, conversation(version)),
  ),
  ...both('an invitation is declined', decline),
  ...both('an invitation is withdrawn', cancel),
  ...both('a public room is joined by its alias, with its history', publicByAlias),
  ...both('topic, redaction and ban', moderation),
])
