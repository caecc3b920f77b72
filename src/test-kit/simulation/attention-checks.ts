/** What asks for people's attention once the network has healed: what they have not read, and invitations. */
import { deepEqual, equal } from 'node:assert/strict'
import type { Body, Unread } from './belief.ts'
import { backwards } from './history.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

const OURS = '/_matrix/client/v1/chat.tessera'

/** Counts are what a recount says, and `/sync`, the list of invitations and the inbox agree with each other. */
export const checkAttention = async (simulation: Simulation, client: SimulatedClient): Promise<void> => {
  const { rooms, invitations } = client.belief
  const name = client.userId
  const ask = async (path: string): Promise<Body> =>
    (await simulation.during(client.call('GET', `${OURS}${path}`))).body
  const listed = await ask('/invitations?direction=received&status=invited')
  const invited = [...invitations].sort()
  deepEqual(listed.invitations.map((one: Body) => one.room_id).sort(), invited, `${name}: invitations`)
  const { items } = await ask('/notifications?limit=100')
  const inInbox = (kinds: readonly string[]): Body[] => items.filter(({ kind }: Body) => kinds.includes(kind))
  deepEqual(
    inInbox(['invitation'])
      .map(({ room }: Body) => room.room_id)
      .sort(),
    invited,
    `${name}: invitations in the inbox`,
  )
  const messages = inInbox(['message', 'mention'])
  for (const [roomId, room] of rooms) {
    // What came before it was learnt that they are in the room has notified nobody.
    if (await isLearntLate(simulation, client, roomId)) continue
    const unread = await recount(simulation, client, roomId)
    if (unread === undefined) continue
    // Clients of sliding sync count for themselves: it does not tell a room for the sake of its counts.
    if (!client.options.isSliding) deepEqual(room.unread, unread, `${name}: unread in ${roomId}`)
    const counts = messages.filter(({ room }: Body) => room.room_id === roomId)
    const waiting = counts.reduce((sum: number, { count = 1 }: Body) => sum + count, 0)
    equal(waiting, unread.notification_count, `${name}: messages of ${roomId} in the inbox`)
  }
}

/**
 * Counts by hand what notifies somebody by the predefined push rules, from the last that they have read or said; `undefined` if
 * that is not certain.
 */
const recount = async (
  simulation: Simulation,
  client: SimulatedClient,
  roomId: string,
): Promise<Unread | undefined> => {
  const { userId, host, belief } = client
  const stored = simulation.server(host)?.core.context.read.events
  const readUpTo = belief.rooms.get(roomId)?.receipts.get(userId)
  const unread = { notification_count: 0, highlight_count: 0 }
  for await (const event of backwards(simulation, client, roomId)) {
    // History from before the server came in notifies nobody, also where they had joined once before without its getting to know.
    const { position = 0 } = (await stored?.byId(event.event_id)) ?? {}
    if (position < 0) break
    const isOwn = event.sender === userId
    const isSaid = event.type === 'm.room.message'
    const isEnd = event.type === 'm.room.tombstone'
    const isComing = event.type === 'm.room.member' && event.state_key === userId && !isStaying(event)
    if (event.event_id === readUpTo || (isOwn && isSaid)) break
    // Whoever comes on another branch, but is in the room by the timeline all the time, has missed nothing.
    if (isComing && !(await wasIn(simulation, client, event.event_id))) break
    if (!(isSaid || isEnd) || isOwn || event.unsigned?.redacted_because !== undefined) continue
    // Their server came into the room after it: of its history nobody is notified. The room may have had them in it before, when
    // the answer to an earlier join was lost.
    if (await isHistory(simulation, client, event.event_id)) break
    // What comes late from a branch on which they were not in the room may count or not.
    if (event.unsigned?.membership !== 'join') return undefined
    unread.notification_count += 1
    if (isEnd || event.content['m.mentions']?.user_ids?.includes(userId)) unread.highlight_count += 1
  }
  return unread
}

const isStaying = ({ content, unsigned }: Body): boolean =>
  content.membership === 'join' && unsigned?.prev_content?.membership === 'join'

/** Whether a client's server has an event from before it came into the room. */
const isHistory = async (
  simulation: Simulation,
  { host }: SimulatedClient,
  eventId: string,
): Promise<boolean> => {
  const stored = await simulation.server(host)?.core.context.read.events.byId(eventId)
  return stored?.position !== undefined && stored.position <= 0
}

/** Whether a client's user was in the room just before an event, by the timeline of their server. */
const wasIn = async (
  simulation: Simulation,
  { userId, host }: SimulatedClient,
  eventId: string,
): Promise<boolean> => {
  const { events, state } = simulation.server(host)?.core.context.read ?? {}
  const stored = await events?.byId(eventId)
  if (stored?.position === undefined) return false
  const nid = await state?.point(stored.roomNid, 'm.room.member', userId, stored.position - 1)
  const [member] = nid === undefined ? [] : ((await events?.byNids([nid])) ?? [])
  return member?.event.content['membership'] === 'join'
}

const isLearntLate = async (
  simulation: Simulation,
  { userId, host }: SimulatedClient,
  roomId: string,
): Promise<boolean> => {
  const { rooms, memberships } = simulation.server(host)?.core.context.read ?? {}
  const room = await rooms?.byId(roomId)
  return room !== undefined && (await memberships?.one(userId, room.nid))?.toldFrom !== undefined
}
