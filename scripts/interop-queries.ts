import {
  at,
  both,
  expect,
  invite,
  joinThrough,
  makeRoom,
  type Play,
  pair,
  refused,
  type Scenario,
  sees,
  serverOf,
  talk,
} from './interop-parts.ts'

/** The error code that a server answers with, or what else it says. */
const errorOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    answer => `allowed: ${JSON.stringify(answer)}`,
    (error: Error) => /"errcode":"(\w+)"/.exec(error.message)?.[1] ?? error.message,
  )

const aliases: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  const [localpart = ''] = host.userId.slice(1).split(':')
  const alias = `/directory/room/${encodeURIComponent(`#door-of-${localpart}:${serverOf(host)}`)}`
  expect('an alias that nobody made', await errorOf(guest.call('GET', alias)), 'M_NOT_FOUND')
  await host.call('PUT', alias, { room_id: roomId })
  const found = await guest.call('GET', alias)
  expect('the room of the alias', found['room_id'], roomId)
  expect('its servers', (found['servers'] as string[]).includes(serverOf(host)), true)
  await host.call('DELETE', alias)
  expect('a removed alias', await errorOf(guest.call('GET', alias)), 'M_NOT_FOUND')
}

const strangers: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const nobody = encodeURIComponent(`@nobody:${serverOf(host)}`)
  expect('nobody', await errorOf(guest.call('GET', `/profile/${nobody}`)), 'M_NOT_FOUND')
  const own = `/profile/${encodeURIComponent(host.userId)}`
  await host.call('PUT', `${own}/displayname`, { displayname: 'Ann of the hill' })
  await host.call('PUT', `${own}/avatar_url`, { avatar_url: 'mxc://example.org/hill' })
  // Nobody shares a room with anybody here.
  const seen = await guest.call('GET', own)
  expect('the name', seen['displayname'], 'Ann of the hill')
  expect('the picture', seen['avatar_url'], 'mxc://example.org/hill')
  const name = await guest.call('GET', `${own}/displayname`)
  expect('the name alone', JSON.stringify(name), '{"displayname":"Ann of the hill"}')
}

const closedDoors: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const closed = await makeRoom(host, { preset: 'private_chat', room_version: '11' })
  expect('a closed room', await errorOf(joinThrough(guest, closed, host)), 'M_FORBIDDEN')
  const nowhere = closed.replace('!', '!nowhere')
  await refused('no room', joinThrough(guest, nowhere, host))
}

const tellingInvitation: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { name: 'Tea room', topic: 'Tea', preset: 'private_chat' })
  await host.call('PUT', `${at(roomId)}/state/m.room.avatar/`, { url: 'mxc://example.org/teapot' })
  await host.call('POST', `${at(roomId)}/invite`, { user_id: guest.userId, reason: 'Tea is ready' })
  const { invite_state: stripped } = await guest.until('the invitation', sync => sync.rooms?.invite?.[roomId])
  const content = (type: string, stateKey = '') =>
    stripped.events.find(event => event.type === type && event.state_key === stateKey)?.content ?? {}
  expect('the name', content('m.room.name')['name'], 'Tea room')
  expect('the rule', content('m.room.join_rules')['join_rule'], 'invite')
  expect('the picture', content('m.room.avatar')['url'], 'mxc://example.org/teapot')
  const types = stripped.events.map(event => event.type)
  expect('the create event, which has to be among it', types.includes('m.room.create'), true)
  expect('who is asked', content('m.room.member', guest.userId).membership, 'invite')
  expect('the reason', content('m.room.member', guest.userId).reason, 'Tea is ready')
}

const relations: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  const eventId = await host.say(roomId, 'tea?')
  await sees(guest, roomId, 'the question', event => event.event_id === eventId)
  const path = `${at(roomId)}/send/m.reaction/like`
  const relation = { rel_type: 'm.annotation', event_id: eventId, key: '👍' }
  const { event_id: reaction } = await guest.call('PUT', path, { 'm.relates_to': relation })
  await sees(host, roomId, 'the reaction', event => event.event_id === reaction)
  const list = `/_matrix/client/v1${at(roomId)}/relations/${encodeURIComponent(eventId)}/m.annotation`
  for (const who of [host, guest]) {
    const { chunk } = await who.call('GET', list)
    expect(
      'the reactions',
      (chunk as unknown as { event_id: string }[]).map(each => each.event_id).join(),
      reaction,
    )
  }
  await guest.call('PUT', `${at(roomId)}/redact/${encodeURIComponent(String(reaction))}/unlike`, {})
  await sees(host, roomId, 'its end', event => event.type === 'm.room.redaction')
  const { chunk } = await host.call('GET', list)
  expect('the reactions that are left', (chunk as unknown as object[]).length, 0)
}

const inviteOfWhoIsIn: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  expect(
    'an invitation of who is in',
    await errorOf(host.call('POST', `${at(roomId)}/invite`, { user_id: guest.userId })),
    'M_FORBIDDEN',
  )
  await talk(host, guest, roomId)
}

const summary: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat', name: 'Summed up', topic: 'Tea' })
  const closed = await makeRoom(host, { preset: 'private_chat', name: 'Secret' })
  const path = (id: string) =>
    `/_matrix/client/v1/room_summary/${encodeURIComponent(id)}?via=${encodeURIComponent(serverOf(host))}`
  const seen = await guest.call('GET', path(roomId))
  expect('the room', seen['room_id'], roomId)
  expect('its name', seen['name'], 'Summed up')
  expect('its members', seen['num_joined_members'], 1)
  expect('a closed room', await errorOf(guest.call('GET', path(closed))), 'M_NOT_FOUND')
  await invite(host, guest, closed)
  const told = await guest.call('GET', path(closed))
  expect('the name for who is invited', told['name'], 'Secret')
}

/** What is asked of another server, and what it says when there is nothing. */
export const queryScenarios: readonly [string, Scenario][] = [
  ...both('aliases are looked up', aliases),
  ...both('profiles of strangers are looked up', strangers),
  ...both('what may not be joined is refused with the right code', closedDoors),
  ...both('an invitation tells what it is to', tellingInvitation),
  ...both('whoever is in is not invited', inviteOfWhoIsIn),
  ...both('reactions are seen, and taken back', relations),
  ...both('a room is summed up for who is not in it', summary),
]
