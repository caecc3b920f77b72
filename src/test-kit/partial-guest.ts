/** A server that has come into a room without being told who else is in it. */
import type { ExecutionContext } from 'ava'
import type { StateMap } from '../core/event/event.ts'
import { storeOutliers } from '../services/rooms/outliers.ts'
import { type CompletionOptions, completeRoom } from '../services/rooms/partial-completion.ts'
import { stateBefore } from '../services/rooms/state-at.ts'
import { testDatabase } from './database.ts'
import { type Guest, guest } from './guest.ts'
import type { PeerRoom } from './peer-room.ts'

/** Before anybody of `here` came, Dave was banned, Erin left and Frank was invited. */
export const BEFORE = [
  'CREATE: alice create',
  'JA: alice join',
  'PL: alice power alice=100 bob=50 dave=50',
  'JR: alice rule public',
  'JB: bob join',
  'JC: carol join',
  'JD: dave join',
  'JE: erin join',
  'BD: alice ban dave',
  'LE: erin leave',
  'IF: bob invite frank',
  'ME: me@here.test join',
]

/** A server that has joined by the event `ME`, and knows no other members yet. */
export const partialGuest = async (t: ExecutionContext, peers: PeerRoom, database = testDatabase(t)) =>
  guest(await database, peers, { omitMembers: true })

/**
 * Receives an event, storing before whatever authorises it as a peer would give it; where it lies beyond what is here, on the state
 * before it, if all members are known.
 */
export const receive = async (server: Guest, peers: PeerRoom, name: string) => {
  const received = await server.receive(name)
  if (received.outcome !== 'missing') return received
  await storeOutliers(server.core.writer, peers.roomId, peers.authChainOf(name))
  if (received.prevEvents.length === 0) return server.receive(name)
  const isPartial = (await server.core.writer.head(peers.roomId))?.partial !== undefined
  return server.receive(
    name,
    isPartial ? { onCurrentState: true } : { stateBefore: await tellState(server, peers, name) },
  )
}

/** Stores the state before an event; answers its IDs. */
const tellState = async (server: Guest, peers: PeerRoom, name: string): Promise<string[]> => {
  const state = peers.stateBefore(name)
  await storeOutliers(server.core.writer, peers.roomId, [...peers.authChainOf(name), ...state])
  return state.map(event => event.eventId)
}

/** Completes the room with the state before the join, by default `ME`; answers whether it was lacking. */
export const complete = async (
  server: Guest,
  peers: PeerRoom,
  { join = 'ME', ...options }: CompletionOptions & { readonly join?: string } = {},
): Promise<boolean> => {
  const stateIds = await tellState(server, peers, join)
  const task = { roomId: peers.roomId, joinEventId: peers.event(join).eventId }
  return completeRoom(server.core.writer, task, stateIds, {
    askState: async event => tellState(server, peers, peers.nameOf(event.eventId) ?? ''),
    ...options,
  })
}

/** A state by the names of its events. */
export const named = (peers: PeerRoom, state: StateMap | undefined) =>
  Object.fromEntries([...(state ?? [])].map(([key, id]) => [key, peers.nameOf(id)]).sort())

/** What is stored of an event, and the state before it. */
export const conclusions = async ({ core }: Guest, peers: PeerRoom, names: readonly string[]) => {
  const found: Record<string, unknown> = {}
  for (const name of names) {
    const stored = await core.context.read.events.byId(peers.event(name).eventId)
    if (stored === undefined) continue
    const before = await stateBefore(core.context.read, stored)
    const points = [...before].map(([key, { eventId }]) => [key, peers.nameOf(eventId)] as const).sort()
    found[name] = { isRejected: stored.rejected !== undefined, before: Object.fromEntries(points) }
  }
  return found
}
