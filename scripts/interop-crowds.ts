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
  serverOf,
  talk,
} from './interop-parts.ts'
import { type PlainClient, registerPlainClient } from './plain-client.ts'

/** More than are told with a partial answer to a join. */
const CROWD = 12
let crowds = 0

const gather = async (server: string, roomId: string): Promise<PlainClient[]> => {
  crowds += 1
  const crowd: PlainClient[] = []
  for (let n = 0; n < CROWD; n++) {
    const member = await registerPlainClient(server, `crowd${crowds}-${n}`)
    await member.call('POST', `/join/${encodeURIComponent(roomId)}`, {})
    crowd.push(member)
  }
  return crowd
}

const membersOf = async (who: PlainClient, roomId: string): Promise<string> => {
  const { joined } = await who.call('GET', `${at(roomId)}/joined_members`)
  return Object.keys(joined as object)
    .sort()
    .join()
}

/** A room with more members than are told at once: whoever comes talks at once, and comes to know all of them. */
const crowd: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  const members = await gather(first, roomId)
  await joinThrough(guest, roomId, host)
  await talk(host, guest, roomId)
  const [quitter, speaker] = members
  if (quitter === undefined || speaker === undefined) throw new Error('nobody came')
  expect('the members', await membersOf(guest, roomId), await membersOf(host, roomId))
  await speaker.say(roomId, 'me too')
  expect('heard', await guest.hears(roomId, speaker.userId), 'me too')
  await quitter.call('POST', `${at(roomId)}/leave`, {})
  await seesMembership(guest, roomId, quitter.userId, 'leave')
  expect('the members after that', await membersOf(guest, roomId), await membersOf(host, roomId))
}

/** Who was banned before anybody of the other server came stays out, and everybody there knows. */
const banned: Play = async (first, second) => {
  const [host, guest] = await pair(first, second)
  const outcast = await registerPlainClient(second, `outcast${crowds}`)
  const roomId = await makeRoom(host, { preset: 'public_chat' })
  await gather(first, roomId)
  await host.call('POST', `${at(roomId)}/ban`, { user_id: outcast.userId })
  await joinThrough(guest, roomId, host)
  const path = `/join/${encodeURIComponent(roomId)}?server_name=${encodeURIComponent(serverOf(host))}`
  const outcome = await outcast.call('POST', path, {}).then(
    () => 'let in',
    () => 'kept out',
  )
  expect('the outcast', outcome, 'kept out')
  await talk(host, guest, roomId)
  const content = await guest.call(
    'GET',
    `${at(roomId)}/state/m.room.member/${encodeURIComponent(outcast.userId)}`,
  )
  expect('what is known of the outcast', content['membership'], 'ban')
}

export const crowdScenarios: [string, Scenario][] = [
  ...both('a crowd is joined, and comes to be known', crowd),
  ...both('a ban in a crowd', banned),
]
