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

const unban: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  await host.call('POST', `${at(roomId)}/ban`, { user_id: guest.userId })
  await guest.until('the ban', sync => sync.rooms?.leave?.[roomId])
  await refused('the return of who is banned', joinThrough(guest, roomId, host))
  await host.call('POST', `${at(roomId)}/unban`, { user_id: guest.userId })
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
}

/** Four people: a guest brings somebody of their own server along, and invites another of the host's. */
const company: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const [neighbour, friend] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'private_chat' })
  for (const [inviter, invited] of [
    [host, guest],
    [guest, friend],
    [friend, neighbour],
  ] as const) {
    await invite(inviter, invited, roomId)
    await accept(invited, roomId)
    await talk(inviter, invited, roomId)
  }
  await host.say(roomId, 'all here?')
  for (const one of [guest, friend, neighbour])
    await sees(one, roomId, 'the question', event => event.content.body === 'all here?')
  await guest.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(neighbour, roomId, guest.userId, 'leave')
  await talk(neighbour, friend, roomId)
}

const askedAgain: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host)
  await invite(host, guest, roomId)
  await guest.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(host, roomId, guest.userId, 'leave')
  await invite(host, guest, roomId)
  await host.call('POST', `${at(roomId)}/kick`, { user_id: guest.userId })
  await guest.until('the end of the invitation', sync => sync.rooms?.leave?.[roomId])
  await refused('a join without an invitation', joinThrough(guest, roomId, host))
  await invite(host, guest, roomId)
  await accept(guest, roomId)
  await talk(host, guest, roomId)
}

/** Who comes into rooms, and who goes. */
export const membershipScenarios: readonly [string, Scenario][] = [
  ...both('a restricted room is joined by a member of the space', restricted),
  ...both('a knock is answered by an invitation', knock),
  ['a knock is taken back, room made there', knockRetracted],
  ...both('somebody leaves, comes back, and reads what was said', rejoin),
  ...both('somebody is kicked and comes back', kick),
  ...both('somebody is banned, let in again, and comes back', unban),
  ...both('an invitation is declined, another withdrawn, a third accepted', askedAgain),
  ...both('four people of two servers bring each other along', company),
]
