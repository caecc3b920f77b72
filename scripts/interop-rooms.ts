import {
  accept,
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
  seesMembership,
  serverOf,
  setState,
  talk,
} from './interop-parts.ts'

const joinRules = (content: object) => ({
  initial_state: [{ type: 'm.room.join_rules', state_key: '', content }],
})

const restricted: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const club = await makeRoom(host, { preset: 'public_chat', creation_content: { type: 'm.space' } })
  const rule = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] }
  const roomId = await makeRoom(host, joinRules(rule))
  await refused('a join of who is not in the space', joinThrough(guest, roomId, host))
  await joinThrough(guest, club, host)
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
}

const knock: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { name: 'Door', ...joinRules({ join_rule: 'knock' }) })
  const server = encodeURIComponent(serverOf(host))
  await guest.call('POST', `/knock/${encodeURIComponent(roomId)}?server_name=${server}&via=${server}`, {
    reason: 'Me!',
  })
  const knocked = await seesMembership(host, roomId, guest.userId, 'knock')
  expect('the reason', knocked.content.reason, 'Me!')
  await invite(host, guest, roomId)
  await accept(guest, roomId)
  await talk(host, guest, roomId)
}

/** Synapse keeps to itself that its users take a knock back, and that it refuses those of others. */
const knockRetracted: Scenario = async (ours, theirs) => {
  const [host, guest] = await pair(theirs, ours)
  const roomId = await makeRoom(host, joinRules({ join_rule: 'knock' }))
  const server = encodeURIComponent(serverOf(host))
  const knocking = `/knock/${encodeURIComponent(roomId)}?server_name=${server}&via=${server}`
  await guest.call('POST', knocking, {})
  await seesMembership(host, roomId, guest.userId, 'knock')
  await guest.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(host, roomId, guest.userId, 'leave')
  await guest.call('POST', knocking, {})
  await seesMembership(host, roomId, guest.userId, 'knock')
}

const upgrade: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const old = await makeRoom(host, { preset: 'public_chat', name: 'Old', room_version: '10' })
  await joinThrough(guest, old, host)
  await talk(host, guest, old)
  const { replacement_room: next } = await host.call('POST', `${at(old)}/upgrade`, { new_version: '12' })
  const tombstone = await sees(guest, old, 'the tombstone', event => event.type === 'm.room.tombstone')
  expect('the room to go to', tombstone.content['replacement_room'], next)
  await joinThrough(guest, String(next), host)
  await talk(host, guest, String(next))
  const create = await guest.call('GET', `${at(String(next))}/state/m.room.create/`)
  expect('its version', create['room_version'], '12')
  expect('its predecessor', (create['predecessor'] as { room_id: string }).room_id, old)
}

const directory: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const name = `Listed ${host.userId}`
  const roomId = await makeRoom(host, { preset: 'public_chat', visibility: 'public', name, topic: 'Teapots' })
  // Where rooms made without an alias are kept out of the list, publishing them is one more step.
  await host.call('PUT', `/directory/list/room/${encodeURIComponent(roomId)}`, { visibility: 'public' })
  const path = `/publicRooms?server=${encodeURIComponent(serverOf(host))}`
  const rooms = (page: object) => (page as { chunk: { room_id: string; name?: string }[] }).chunk
  const all = rooms(await guest.call('GET', path))
  expect('the listed room', all.find(room => room.room_id === roomId)?.name, name)
  const filter = { generic_search_term: name }
  const found = rooms(await guest.call('POST', path, { limit: 5, filter }))
  expect('the search', found.map(room => room.room_id).join(), roomId)
  expect('one page', rooms(await guest.call('POST', path, { limit: 1 })).length, 1)
}

const spaces: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const space = await makeRoom(host, {
    preset: 'public_chat',
    name: 'Space',
    creation_content: { type: 'm.space' },
  })
  const open = await makeRoom(host, { preset: 'public_chat', name: 'Open' })
  const closed = await makeRoom(host, { name: 'Closed' })
  const via = [serverOf(host)]
  await setState(host, space, 'm.space.child', { via, order: 'a' }, open)
  await setState(host, space, 'm.space.child', { via, order: 'b' }, closed)
  const own = await makeRoom(guest, { name: 'Own', creation_content: { type: 'm.space' } })
  await setState(guest, own, 'm.space.child', { via }, space)
  const tree = await guest.call('GET', `/_matrix/client/v1${at(own)}/hierarchy`)
  const names = (tree['rooms'] as unknown as { name: string }[]).map(room => room.name)
  expect('the tree', names.join(), 'Own,Space,Open')
}

const rejoin: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  await guest.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(host, roomId, guest.userId, 'leave')
  for (const body of ['while', 'you', 'were away']) await host.say(roomId, body)
  await joinThrough(guest, roomId, host)
  await seesMembership(host, roomId, guest.userId, 'join')
  await host.say(roomId, 'welcome back')
  await sees(guest, roomId, 'the welcome', event => event.content.body === 'welcome back')
  const page = await guest.call('GET', `${at(roomId)}/messages?dir=b&limit=50`)
  const bodies = (page['chunk'] as unknown as { content: { body?: string } }[])
    .flatMap(event => event.content.body ?? [])
    .reverse()
  const greetings = [`hello from ${host.userId}`, `hello from ${guest.userId}`]
  expect('the history', bodies.join(), [...greetings, 'while', 'you', 'were away', 'welcome back'].join())
}

const kick: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  await host.call('POST', `${at(roomId)}/kick`, { user_id: guest.userId, reason: 'Enough' })
  await guest.until('the kick', sync => sync.rooms?.leave?.[roomId])
  await refused('a message of who was kicked', guest.say(roomId, 'but'))
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
}

const roomState: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await seesMembership(host, roomId, guest.userId, 'join')
  const levels = await host.call('GET', `${at(roomId)}/state/m.room.power_levels/`)
  const users = { ...(levels['users'] as object), [guest.userId]: 50 }
  await setState(host, roomId, 'm.room.power_levels', { ...levels, users })
  await sees(
    guest,
    roomId,
    'the promotion',
    event =>
      event.type === 'm.room.power_levels' &&
      (event.content['users'] as Record<string, number>)[guest.userId] === 50,
  )
  const changes = [
    ['m.room.name', 'name', 'Tea'],
    ['m.room.topic', 'topic', 'Milk first?'],
    ['m.room.avatar', 'url', 'mxc://example.org/teapot'],
  ] as const
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    for (const [type, key, value] of changes) {
      const text = key === 'url' ? value : `${value} ${who.userId}`
      await setState(who, roomId, type, { [key]: text })
      if (key !== 'url' || who === host)
        await sees(other, roomId, key, event => event.type === type && event.content[key] === text)
    }
  }
}

const profile: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const name = `The great ${who.userId}`
    await who.call('PUT', `/profile/${encodeURIComponent(who.userId)}/displayname`, { displayname: name })
    const isIt = (event: { state_key?: string; content: object }) =>
      event.state_key === who.userId && (event.content as { displayname?: string }).displayname === name
    await sees(other, roomId, 'the new name', isIt)
    const seen = await other.call('GET', `/profile/${encodeURIComponent(who.userId)}`)
    expect('the profile', seen['displayname'], name)
  }
}

const serverAcl: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  // Ports are no part of what a list speaks of; whoever shares the host name is told apart by nothing. So both are out.
  await setState(host, roomId, 'm.room.server_acl', { allow: ['*'], deny: ['localhost'] })
  await sees(guest, roomId, 'the list', event => event.type === 'm.room.server_acl')
  await guest.say(roomId, 'can you hear me?').catch(() => undefined)
  const elsewhere = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, elsewhere, host)
  await talk(host, guest, elsewhere)
  const page = await host.call('GET', `${at(roomId)}/messages?dir=b&limit=10`)
  const bodies = (page['chunk'] as unknown as { content: { body?: string } }[]).map(
    event => event.content.body,
  )
  expect('a message of a banned server', bodies.includes('can you hear me?'), false)
}

/** Rooms and who is in them. */
export const roomScenarios: readonly [string, Scenario][] = [
  ...both('a restricted room is joined by a member of the space', restricted),
  ...both('a knock is answered by an invitation', knock),
  ['a knock is taken back, room made there', knockRetracted],
  ...both('a room is upgraded', upgrade),
  ...both('the room directory of the other server is read and searched', directory),
  ...both('a space of the other server is explored', spaces),
  ...both('somebody leaves, comes back, and reads what was said', rejoin),
  ...both('somebody is kicked and comes back', kick),
  ...both('name, topic and picture change from both sides', roomState),
  ...both('a new display name spreads', profile),
  ...both('a server is banned from a room', serverAcl),
]
