import {
  at,
  both,
  expect,
  joinThrough,
  makeRoom,
  type Play,
  pair,
  promote,
  type Scenario,
  sees,
  seesMembership,
  serverOf,
  setState,
  sharedVersion,
  talk,
} from './interop-parts.ts'
import type { PlainClient } from './plain-client.ts'

const upgrade: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const old = await makeRoom(host, { preset: 'public_chat', name: 'Old', room_version: '10' })
  await joinThrough(guest, old, host)
  await talk(host, guest, old)
  const version = await sharedVersion(host, guest, '12', '11')
  const { replacement_room: next } = await host.call('POST', `${at(old)}/upgrade`, { new_version: version })
  const tombstone = await sees(guest, old, 'the tombstone', event => event.type === 'm.room.tombstone')
  expect('the room to go to', tombstone.content['replacement_room'], next)
  await joinThrough(guest, String(next), host)
  await talk(host, guest, String(next))
  const create = await guest.call('GET', `${at(String(next))}/state/m.room.create/`)
  expect('its version', create['room_version'], version)
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

const roomState: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await seesMembership(host, roomId, guest.userId, 'join')
  await promote(host, roomId, guest, { [guest.userId]: 50 })
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
  // Ports are no part of what a list speaks of.
  const denied = serverOf(guest).replace(/:\d+$/, '')
  await setState(host, roomId, 'm.room.server_acl', { allow: ['*'], deny: [denied] })
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

/** More than one page, with redactions and state in between, from before the guest came. */
const longHistory: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  const said: string[] = []
  for (let n = 0; n < 60; n++) {
    const eventId = await host.say(roomId, `line ${n}`)
    if (n % 20 === 7) await host.call('PUT', `${at(roomId)}/redact/${encodeURIComponent(eventId)}/r${n}`, {})
    else said.push(`line ${n}`)
    if (n % 25 === 3) await setState(host, roomId, 'm.room.topic', { topic: `topic ${n}` })
  }
  await joinThrough(guest, roomId, host)
  const found: string[] = []
  let from = ''
  for (let page = 0; page < 30; page++) {
    const answer = await guest.call('GET', `${at(roomId)}/messages?dir=b&limit=15${from}`)
    const chunk = answer['chunk'] as unknown as { content: { body?: string } }[]
    found.push(...chunk.flatMap(event => event.content.body ?? []))
    if (answer['end'] === undefined) break
    from = `&from=${encodeURIComponent(String(answer['end']))}`
  }
  expect('the history', found.reverse().join(), said.join())
}

/** The longest bodies that any server takes for a message are between these. */
const SURELY_TAKEN = 64_000
const SURELY_REFUSED = 65_536

/** Says the longest message that one's server takes; answers its ID. Every server has its own envelope about it. */
const sayTheLongest = async (who: PlainClient, roomId: string): Promise<string> => {
  let [taken, refusedAt, longest] = [SURELY_TAKEN, SURELY_REFUSED, '']
  while (refusedAt - taken > 1) {
    const bytes = Math.floor((taken + refusedAt) / 2)
    const eventId = await who.say(roomId, 'x'.repeat(bytes)).catch(() => undefined)
    if (eventId === undefined) refusedAt = bytes
    else [taken, longest] = [bytes, eventId]
  }
  return longest
}

/** What a server takes of its users, the other one takes of it: else nothing that comes after it would be heard. */
const longMessages: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  for (const [who, other] of [
    [host, guest],
    [guest, host],
  ] as const) {
    const longest = await sayTheLongest(who, roomId)
    await sees(other, roomId, 'the longest message', event => event.event_id === longest)
    await who.say(roomId, 'so much for that')
    await sees(other, roomId, 'the next one', event => event.content.body === 'so much for that')
  }
}

/** Rooms, and how they are found. */
export const roomScenarios: readonly [string, Scenario][] = [
  ...both('a room is upgraded', upgrade),
  ...both('the room directory of the other server is read and searched', directory),
  ...both('a space of the other server is explored', spaces),
  ...both('a long history is paged through to its beginning', longHistory),
  ...both('the longest message is heard', longMessages),
  ...both('name, topic and picture change from both sides', roomState),
  ...both('a new display name spreads', profile),
  ...both('a server is banned from a room', serverAcl),
]
