/** Whoever wants to talk with somebody alone, does so in the same room as the other once the network has healed. */
import { deepEqual, equal } from 'node:assert/strict'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'
import type { Story } from './story.ts'

/**
 * Both open their chat once more, one after the other: then both are in it, it is the first that they list, neither waits for the other
 * in another room, and they hear each other.
 */
export const checkDirect = async (story: Story): Promise<void> => {
  const { simulation, direct } = story
  const open = async (client: SimulatedClient, { userId }: SimulatedClient): Promise<string> => {
    const path = `/_matrix/client/v1/chat.tessera/direct/${at(userId)}`
    const { status, body } = await simulation.during(client.call('PUT', path, {}))
    equal(status, 200, `${client.userId} opens the chat with ${userId}: ${JSON.stringify(body)}`)
    await simulation.settle()
    return body.room_id
  }
  for (const [first, second] of direct.pairs.values()) {
    const name = `${first.userId} and ${second.userId}`
    await open(first, second)
    await open(second, first)
    const rooms = [await open(first, second), await open(second, first)]
    equal(rooms[1], rooms[0], `${name} come to the same room`)
    const [roomId = ''] = rooms
    for (const [client, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const call = async (path: string) => (await simulation.during(client.call('GET', path))).body
      const { joined } = await call(`/rooms/${at(roomId)}/joined_members`)
      deepEqual(Object.keys(joined).sort(), [first.userId, second.userId], `${name}: who is in it`)
      const lists = await call(`/user/${at(client.userId)}/account_data/m.direct`)
      const [listed, ...others] = lists[other.userId]
      equal(listed, roomId, `${client.userId} lists the chat with ${other.userId}`)
      for (const place of others)
        equal(await isLeftAlone(simulation, client, { roomId: place, other }), false, `${name}: ${place}`)
      const said = { msgtype: 'm.text', body: 'at last' }
      const path = `/rooms/${at(roomId)}/send/m.room.message/last`
      const { body } = await simulation.during(client.call('PUT', path, said))
      await simulation.settle()
      const heard = await simulation.during(
        other.call('GET', `/rooms/${at(roomId)}/event/${at(body.event_id)}`),
      )
      equal(heard.status, 200, `${other.userId} hears ${client.userId}`)
    }
  }
}

/** Whether somebody is in a room into which the other has never come. */
const isLeftAlone = async (
  simulation: Simulation,
  { userId, host }: SimulatedClient,
  { roomId, other }: { roomId: string; other: SimulatedClient },
): Promise<boolean> => {
  const { rooms, events, memberships, state } = simulation.server(host)?.core.context.read ?? {}
  const { nid = 0 } = (await rooms?.byId(roomId)) ?? {}
  if ((await memberships?.one(userId, nid))?.membership !== 'join') return false
  const spans = (await state?.history(nid, 'm.room.member', other.userId)) ?? []
  const members = (await events?.byNids(spans.map(span => span.nid))) ?? []
  return members.every(({ event }) => event.content['membership'] !== 'join')
}
