/** What is asked of clients once the network has healed. */
import { deepEqual, equal } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { termsOf } from '../../core/invitation-terms.ts'
import { checkAttention, missedParts } from './attention-checks.ts'
import type { Body, FollowedRoom } from './belief.ts'
import { headOf, isJoined, plain } from './checks.ts'
import { checkDevices, checkWritten } from './device-checks.ts'
import { at } from './dialects.ts'
import { backwards } from './history.ts'
import { checkOwn } from './own-checks.ts'
import { isPurged } from './purge-deeds.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'
import type { Story } from './story.ts'

/**
 * What clients were told is what their servers have, bit by bit as all at once; messages for devices came once; devices are
 * known as they are.
 */
export const checkClients = async (story: Story, parties: readonly SimulatedServer[]): Promise<void> => {
  const { simulation } = story
  const { clients, everywhere } = simulation
  await story.lookUp()
  for (const client of clients) checkMessages(story, client)
  const missed = await missedParts(simulation)
  const present: SimulatedClient[] = []
  for (const client of everywhere) {
    const place = await checkPlace(simulation, client, parties)
    await checkAttention(simulation, client, missed)
    await checkOwn(story, client)
    await checkWritten(story, client)
    for (const [roomId, room] of client.belief.rooms) await checkRoom(simulation, client, { roomId, room })
    await checkSum(simulation, client)
    if (place.isIn && place.isParty) present.push(client)
  }
  await checkDevices(story, present)
}

/** Whoever is in the room knows it, and whoever is invited there. */
const checkPlace = async (
  simulation: Simulation,
  client: SimulatedClient,
  parties: readonly SimulatedServer[],
): Promise<{ isIn: boolean; isParty: boolean }> => {
  const { userId, host, belief } = client
  const { roomId } = simulation
  const isParty = parties.some(({ name }) => name === host)
  const isIn = await isJoined(simulation, client)
  equal(belief.rooms.has(roomId), isIn, `${userId} is ${isIn ? '' : 'not '}in the room`)
  const head = await headOf(simulation, parties[0]?.name ?? '')
  const terms = await termsHeld(simulation, client)
  const isInvited = head?.memberships.get(userId) === 'invite' && terms !== 'ended'
  // Those who are not in the room hear nothing of what a conflict has ended, and those who have left it have their own mind.
  const isStrange = (await headOf(simulation, host)) === undefined
  const mayWait = !isInvited && belief.invitations.has(roomId) && (await isUnanswered(simulation, client))
  if (!mayWait && terms !== 'redacted' && (isParty || (isInvited && isStrange)))
    equal(belief.invitations.has(roomId), isInvited, `${userId} is ${isInvited ? '' : 'not '}invited`)
  return { isIn, isParty }
}

/**
 * Whether somebody's invitation was for a time: all such are over by now, also where nobody could take them back. Of one that was
 * redacted it is open who had read before for how long it was.
 */
const termsHeld = async (
  simulation: Simulation,
  { userId }: SimulatedClient,
): Promise<'ended' | 'redacted' | undefined> => {
  let held: 'ended' | undefined
  for (const { core } of simulation.servers) {
    const nid = (await simulation.head(core))?.entry('m.room.member', userId)?.nid
    const [member] = nid === undefined ? [] : await core.context.read.events.byNids([nid])
    if (termsOf(member?.event.content ?? {}).expiresTs === undefined) continue
    if (member?.redactedBy !== undefined) return 'redacted'
    held = 'ended'
  }
  return held
}

/**
 * Whether somebody's invitation is in the room of no server, since the answer of theirs, which had signed it, was lost. Theirs cannot
 * know that, also once it is in the room itself: the invitation may as well be on a branch that has not come yet.
 */
const isUnanswered = async (simulation: Simulation, { userId, host }: SimulatedClient): Promise<boolean> => {
  const { invitations } = simulation.server(host)?.core.context.read ?? {}
  const invitation = await invitations?.one(userId, simulation.roomId)
  if (invitation === undefined) return false
  for (const { core } of simulation.servers)
    if ((await core.context.read.events.byId(invitation.eventId))?.position !== undefined) return false
  return true
}

const checkMessages = (
  { told, simulation }: Story,
  { userId, belief: { doubled, messages } }: SimulatedClient,
): void => {
  deepEqual(doubled, [], `${userId} was told something twice`)
  for (const { userId: sender } of simulation.clients) {
    const numbers = Array.from({ length: told.get(`${sender} ${userId}`) ?? 0 }, (_, n) => n)
    deepEqual(messages.get(sender) ?? [], numbers, `${userId}'s messages from ${sender}`)
  }
}

/** What a client has put together of a room is what there is. */
const checkRoom = async (
  simulation: Simulation,
  client: SimulatedClient,
  { roomId, room }: { roomId: string; room: FollowedRoom },
): Promise<void> => {
  const name = `${client.userId} in ${roomId}`
  const compared = async () => {
    const { body } = await simulation.during(client.call('GET', `/rooms/${at(roomId)}/state`))
    return { body, ...statesOf(body, client, room) }
  }
  let { body, believed, told } = await compared()
  if (!isDeepStrictEqual(believed, told)) {
    // What its server had put off may have come since the client was asked.
    await simulation.during(client.sync())
    ;({ body, believed, told } = await compared())
  }
  deepEqual(believed, told, `${name}: state`)
  const called = body.find(({ type }: Body) => type === 'm.room.name')?.content.name
  if (client.options.isSliding) equal(room.name, called, `${name}: what it is called`)
  const standing = async (): Promise<string[]> => {
    const refused = await refusedSince(simulation, client, { roomId, room })
    return room.timeline.filter(
      eventId => !refused.has(eventId) && !isPurged(simulation, client.host, eventId),
    )
  }
  const shown: string[] = []
  const [first = ''] = await standing()
  for await (const { event_id: eventId, type } of backwards(simulation, client, roomId)) {
    // What is redacted before it comes is shown as that: the redaction takes its place in the past then, which is no news.
    const isLate = type === 'm.room.redaction' && !room.timeline.includes(eventId)
    if (!isLate) shown.push(eventId)
    if (eventId === first) break
  }
  // A timeline that begins anew behind what is missing has nothing in it, until its reader pages; nor has one that would end with state
  // that does not hold.
  if (first === '' && client.options.isClassic) return
  if (first === '' && (await areNewestHidden(simulation, client, { roomId, shown }))) return
  // Paging may fetch what an event waited for that came long ago: it is news then.
  if ((await standing()).length < shown.length) await simulation.during(client.sync())
  deepEqual(await standing(), shown.toReversed(), `${name}: timeline`)
}

/** Whether somebody is shown none of the events at the end of a room, as where their server has tied its loose ends. */
const areNewestHidden = async (
  simulation: Simulation,
  { host }: SimulatedClient,
  { roomId, shown }: { roomId: string; shown: readonly string[] },
): Promise<boolean> => {
  const writer = simulation.server(host)?.core.writer
  const head = writer && (await simulation.during(writer.head(roomId)))
  return head?.extremities.every(({ eventId }) => !shown.includes(eventId)) ?? false
}

/** A room's state as a client has it, and as it is told when it asks, as far as the two can be compared. */
const statesOf = (body: readonly Body[], { options }: SimulatedClient, room: FollowedRoom) => {
  const current = new Map<string, string>(
    body.map(event => [`${event['type']} ${event['state_key']}`, event['event_id'] ?? '']),
  )
  // That something is not set any more, as after a conflict in which both sides lose, `/sync` has no words for.
  const believed = [...room.state].filter(([key]) => options.isSliding || current.has(key))
  const told = [...current].filter(
    ([key]) => !options.isLazy || !key.startsWith('m.room.member ') || room.state.has(key),
  )
  return { believed: plain(new Map(believed)), told: plain(new Map(told)) }
}

/**
 * What a client was shown while its server did not know the room's members, and what was refused once these were known: nothing can
 * be taken back that was shown.
 */
const refusedSince = async (
  simulation: Simulation,
  { host }: SimulatedClient,
  { roomId, room: { timeline } }: { roomId: string; room: FollowedRoom },
): Promise<ReadonlySet<string>> => {
  const server = simulation.server(host)
  if (server === undefined) return new Set()
  const { rooms, events, partial } = server.core.context.read
  const stored = await simulation.during(events.byIds(timeline))
  const roomNid = (await simulation.during(rooms.byId(roomId)))?.nid
  const spans = (await simulation.during(partial.spans())).filter(span => span.roomNid === roomNid)
  const lackedMembers = (position: number): boolean =>
    spans.some(({ joinedAt, completedAt = 0 }) => position > joinedAt && position <= completedAt)
  const refused = [...stored].filter(
    ([, { position = 0, softFailed, rejected }]) =>
      lackedMembers(position) && (softFailed || rejected !== undefined),
  )
  return new Set(refused.map(([eventId]) => eventId))
}

/** What a client has put together is what it is told when it begins anew: but for timelines and members, which may be more. */
const checkSum = async (simulation: Simulation, client: SimulatedClient): Promise<void> => {
  const other = client.begun()
  await simulation.during(client.sync())
  await simulation.during(other.sync())
  for (const [userId, presence] of other.belief.presence) {
    if (client.options.isSliding || userId === client.userId) continue
    equal(client.belief.presence.get(userId), presence, `${client.userId} knows whether ${userId} is there`)
  }
  await checkGone(simulation, client, other)
  // Between two looks time passes, in which somebody may cease to type: that is told with the next, a tenth of a second later at most.
  const told = summaryOf(other)
  if (!isDeepStrictEqual(summaryOf(client), told)) {
    await simulation.pass(100)
    await simulation.during(client.sync())
  }
  deepEqual(summaryOf(client), told, `${client.userId} has put together what there is`)
}

/**
 * Whoever is in the room with a client, and is not there, is not shown as if they were. Presence is written down once a minute: a server
 * that was killed may know nothing of whom it had told of.
 */
const checkGone = async (
  simulation: Simulation,
  { userId, host, options, belief }: SimulatedClient,
  { belief: { presence: there } }: SimulatedClient,
): Promise<void> => {
  if (options.isSliding || !belief.rooms.has(simulation.roomId) || simulation.killed.has(host)) return
  const head = await headOf(simulation, host)
  for (const [other, presence] of belief.presence) {
    if (there.has(other) || other === userId || head?.memberships.get(other) !== 'join') continue
    equal(presence.split(' ')[0], 'offline', `${userId} knows that ${other} has gone`)
  }
}

const summaryOf = ({ belief: { rooms, invitations } }: SimulatedClient) => ({
  invitations: [...invitations].sort(),
  rooms: Object.fromEntries(
    [...rooms]
      .map(([roomId, { receipts, typing, joinedCount }]) => [
        roomId,
        { receipts: plain(receipts), typing: typing.toSorted(), joinedCount },
      ])
      .sort(),
  ),
})
