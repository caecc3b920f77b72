/** What asks for people's attention once the network has healed: what they have not read, and invitations. */
import { deepEqual, equal } from 'node:assert/strict'
import { serverNameOf } from '../../core/ids.ts'
import { termsOf } from '../../core/invitation-terms.ts'
import { MAIN_TIMELINE } from '../../core/relations.ts'
import { threadOf as threadOfEvent } from '../../services/push/thread-of.ts'
import type { TimelineGap } from '../../storage/rooms/timeline-gaps.ts'
import type { Body, Unread } from './belief.ts'
import { backwards } from './history.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

const OURS = '/_matrix/client/v1/chat.tessera'

/** Where servers' timelines have gaps, by server and room: what is filled in there when somebody pages over them notifies nobody. */
export type MissedParts = ReadonlyMap<string, Missed>
type Missed = readonly TimelineGap[]

export const missedParts = async (simulation: Simulation): Promise<MissedParts> => {
  const missed = new Map<string, Missed>()
  for (const { host, belief } of simulation.clients) {
    const { rooms, gaps } = simulation.server(host)?.core.context.read ?? {}
    for (const roomId of belief.rooms.keys()) {
      const room = await rooms?.byId(roomId)
      missed.set(`${host} ${roomId}`, (room && (await gaps?.ofRoom(room.nid))) ?? [])
    }
  }
  return missed
}

/** Counts are what a recount says, and `/sync`, the list of invitations and the inbox agree with each other. */
export const checkAttention = async (
  simulation: Simulation,
  client: SimulatedClient,
  missed: MissedParts,
): Promise<void> => {
  const { rooms, invitations } = client.belief
  const name = client.userId
  const ask = async (path: string): Promise<Body> =>
    (await simulation.during(client.call('GET', `${OURS}${path}`))).body
  const listed = await ask('/invitations?direction=received&status=invited')
  const invited = [...invitations].sort()
  deepEqual(listed.invitations.map((one: Body) => one.room_id).sort(), invited, `${name}: invitations`)
  await checkSent(simulation, client, await ask('/invitations?direction=sent&status=invited'))
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
    const missedHere = missed.get(`${client.host} ${roomId}`) ?? []
    if (await isLearntLate(simulation, client, roomId, missedHere)) continue
    // What is purged nobody can count any more.
    if (simulation.purged.has(`${client.host} ${roomId}`)) continue
    const unread = await recount(simulation, client, roomId, missedHere)
    if (unread === undefined) continue
    // Clients of sliding sync count for themselves: it does not tell a room for the sake of its counts.
    if (!client.options.isSliding) deepEqual(room.unread, unread, `${name}: unread in ${roomId}`)
    const counts = messages.filter(({ room }: Body) => room.room_id === roomId)
    const waiting = counts.reduce((sum: number, { count = 1 }: Body) => sum + count, 0)
    equal(waiting, unread.notification_count, `${name}: messages of ${roomId} in the inbox`)
  }
}

/** Whom a client's user has invited, and nothing has come of it, is who is invited by the room as their server has it. */
const checkSent = async (
  simulation: Simulation,
  { userId, host }: SimulatedClient,
  listed: Body,
): Promise<void> => {
  const { roomId } = simulation
  const server = simulation.server(host)
  const head = server && (await simulation.head(server.core))
  // Nobody tells a server that is not in the room what becomes of the invitation.
  if (server === undefined || head?.hasHost(host) !== true) return
  const invited = [...head.memberships].flatMap(([user, membership]) => (membership === 'invite' ? user : []))
  const nids = invited.flatMap(user => head.entry('m.room.member', user)?.nid ?? [])
  const events = await simulation.during(server.core.context.read.events.byNids(nids))
  const isOver = new Set(
    events.flatMap(({ event }) => (termsOf(event.content).expiresTs === undefined ? [] : event.stateKey)),
  )
  const byUser = events
    .flatMap(({ event }) => (event.sender === userId && !isOver.has(event.stateKey) ? event.stateKey : []))
    .sort()
  // Whom somebody of another server has invited once more, over it, still waits.
  const again = new Set(
    events.flatMap(({ event }) => (serverNameOf(event.sender) === host ? [] : event.stateKey)),
  )
  const sent = listed.invitations
    .filter(
      ({ room_id: id, invited: { user_id: whom } }: Body) =>
        id === roomId && !again.has(whom) && !isOver.has(whom),
    )
    .map((one: Body) => one.invited.user_id)
  deepEqual(sent.sort(), byUser, `${userId}: invitations sent`)
}

/**
 * Counts by hand what notifies somebody by the predefined push rules, from the last that they have read or said; `undefined` if
 * that is not certain.
 */
const recount = async (
  simulation: Simulation,
  client: SimulatedClient,
  roomId: string,
  missed: Missed,
): Promise<Unread | undefined> => {
  const { userId, host, belief } = client
  const { events: stored, delayedEvents } = simulation.server(host)?.core.context.read ?? {}
  const coming = await comingOf(simulation, client, roomId, missed)
  const readUpTo = belief.rooms.get(roomId)?.receipts.get(userId)
  const unread = { notification_count: 0, highlight_count: 0 }
  /** Threads in which they have said something. */
  const read = new Set<string>()
  const threadOf = async ({ event_id: eventId }: Body): Promise<string> => {
    const { context } = simulation.server(host)?.core ?? {}
    const found = await stored?.byId(eventId)
    return found === undefined || context === undefined ? MAIN_TIMELINE : threadOfEvent(context.read, found)
  }
  for await (const event of backwards(simulation, client, roomId)) {
    const { position = 0 } = (await stored?.byId(event.event_id)) ?? {}
    if (position <= coming) break
    if (event.event_id === readUpTo) break
    const isOwn = event.sender === userId
    const { rel_type: relation } = event.content['m.relates_to'] ?? {}
    const isSaid = event.type === 'm.room.message' && relation !== 'm.replace'
    const isEnd = event.type === 'm.room.tombstone'
    const wasRelated = event.unsigned?.redacted_because !== undefined && simulation.plays.has('answering')
    // In which thread it was is not known any more, nor in which is what refers to it.
    if (wasRelated) return undefined
    const thread = await threadOf(event)
    // What they said long ago, for their server to send at its time, tells of no reading.
    const isLate = isOwn && (await delayedEvents?.isOne(userId, event.event_id)) === true
    if (isOwn && !isLate && event.state_key === undefined && event.type !== 'm.room.redaction') {
      if (thread === MAIN_TIMELINE && !simulation.plays.has('answering')) break
      read.add(thread)
    }
    if (read.has(thread)) continue
    if (missed.some(({ base, floor }) => base < position && position < floor)) continue
    if (!(isSaid || isEnd) || isOwn || event.unsigned?.redacted_because !== undefined) continue
    // What comes late from a branch on which they were not in the room may count or not.
    if (event.unsigned?.membership !== 'join') return undefined
    unread.notification_count += 1
    if (isEnd || event.content['m.mentions']?.user_ids?.includes(userId)) unread.highlight_count += 1
  }
  return unread
}

/**
 * The position from which a client's user is in a room for good, by the timeline of their server: of what was there before they
 * are not notified. The event that joins them does not tell: it may lie on a branch on which they had never left, or never come,
 * and somebody may be put out, or in, by what resolves a conflict.
 */
const comingOf = async (
  simulation: Simulation,
  { userId, host }: SimulatedClient,
  roomId: string,
  missed: Missed,
): Promise<number> => {
  const { rooms, events, state } = simulation.server(host)?.core.context.read ?? {}
  const room = await rooms?.byId(roomId)
  // History from before the server came in has no positive one, even of a stay before it, of which the server never got to know.
  let coming = 0
  let until: number | undefined
  for (const { nid, from, to } of (room && (await state?.history(room.nid, 'm.room.member', userId))) ?? []) {
    const [member] = (await events?.byNids([nid])) ?? []
    if (member?.event.content['membership'] !== 'join') continue
    // What is filled in may lie on a branch on which they had not come yet.
    const isFilledIn = missed.some(({ base, floor }) => base <= (until ?? 0) && from <= floor)
    if (from !== until && !isFilledIn) coming = Math.max(coming, from)
    until = to
  }
  return coming
}

const isLearntLate = async (
  simulation: Simulation,
  client: SimulatedClient,
  roomId: string,
  missed: Missed,
): Promise<boolean> => {
  const { userId, host } = client
  const { rooms, memberships } = simulation.server(host)?.core.context.read ?? {}
  const room = await rooms?.byId(roomId)
  const toldFrom = room && (await memberships?.one(userId, room.nid))?.toldFrom
  return toldFrom !== undefined && (await comingOf(simulation, client, roomId, missed)) < toldFrom
}
