/** What people have set for themselves is so once the network has healed, wherever it shows. */
import { equal } from 'node:assert/strict'
import type { Body } from './belief.ts'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Story } from './story.ts'

/** Names, account data and tags of a client's user. */
export const checkOwn = async ({ simulation, own }: Story, client: SimulatedClient): Promise<void> => {
  const { userId, belief } = client
  const name = own.names.get(userId)
  const ask = async (path: string): Promise<Body> => (await simulation.during(client.call('GET', path))).body
  if (name !== undefined)
    equal((await ask(`/profile/${at(userId)}`)).displayname, name, `the name of ${userId}`)
  // By a clock that was set back a new name is older than the join, which it loses to where state is resolved.
  if (name !== undefined && !simulation.plays.has('clocks')) {
    for (const roomId of belief.rooms.keys()) {
      const state: Body[] = await ask(`/rooms/${at(roomId)}/state`)
      const member = state.find(({ type, state_key: key }) => type === 'm.room.member' && key === userId)
      if (member.unsigned?.redacted_because !== undefined) continue
      equal(member.content.displayname, name, `the name of ${userId} in ${roomId}`)
    }
  }
  for (const [key, content] of own.settings) {
    const [owner, roomId = '', type] = key.split(' ')
    if (owner !== userId || (roomId !== '' && !belief.rooms.has(roomId))) continue
    equal(belief.settings.get(`${roomId} ${type}`), content, `${type} of ${userId} in ${roomId}`)
  }
}
