import { authorise } from '../../core/auth/authorise.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { type RoomEvent, stateMapKey } from '../../core/event/event.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/events.ts'
import type { StateEntry } from '../../storage/rooms/state-entry.ts'
import { append, type Placement } from './append.ts'
import { describedMemberships } from './described-memberships.ts'
import {
  type JudgedOutliers,
  judgeOutliers,
  type OutlierStatements,
  outlierStatements,
} from './judge-outliers.ts'
import { besideOtherEnds, type OtherEnds, otherEnds } from './other-ends.ts'
import { storeOutliers } from './outliers.ts'
import { PartialJoin } from './partial-join.ts'
import { addMembersOfAuth } from './partial-members.ts'
import { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomsContext, RoomWriter } from './room-writer.ts'
import { stateDifference } from './state-at.ts'
import { stickyStatements } from './sticky-statements.ts'

/** What a peer hands over when a local user joins: all signatures and hashes checked by the caller. */
export interface RoomSnapshot {
  readonly roomId: string
  readonly version: RoomVersion
  /** The event by which this server enters the room, signed as the room requires. */
  readonly join: RoomEvent
  /** The room state before the join. */
  readonly state: readonly RoomEvent[]
  /** Everything that authorises the state. */
  readonly authChain: readonly RoomEvent[]
  /** The state lacks members: these servers were in the room. */
  readonly partial?: { readonly servers: readonly string[] } | undefined
  /** Ends of the room's graph here, by event ID, that the peer does not have: they stay, beside the join. */
  readonly otherEnds?: readonly string[]
}

/** A snapshot that contradicts itself: `message` says how. */
export class BadSnapshot extends Error {
  override readonly name = 'BadSnapshot'
}

/**
 * Stores a room (or a newer view of one that everybody here had left) as a peer describes it, with the join that lets
 * a local user in. The state holds from the position just before the join. Where it lacks members, the room is marked
 * as partial in the same commit; they are filled in at that position later (`partial-completion.ts`). What was here is
 * forgotten for it, but for the ends that the peer does not have: with these it is resolved.
 *
 * Throws `BadSnapshot` if there is no acceptable create event, an event lacks its auth events, or the join is not
 * allowed by that state. State events that the rules reject are left out of the state.
 */
export const importRoom = async (
  writer: RoomWriter,
  snapshot: RoomSnapshot,
): Promise<{ position: number }> => {
  const { roomId } = snapshot
  const judged = await judge(snapshot)
  if ((await writer.head(roomId)) !== undefined) return renew(writer, snapshot, judged)
  try {
    return await writer.create(roomId, () => draftRoom(writer.context, snapshot, judged))
  } catch (error) {
    // Another process has joined in the meantime.
    if (error instanceof MatrixError && error.errcode === 'M_ROOM_IN_USE')
      return renew(writer, snapshot, judged)
    throw error
  }
}

const renew = async (
  writer: RoomWriter,
  snapshot: RoomSnapshot,
  judged: Judged,
): Promise<{ position: number }> => {
  const { roomId, join, otherEnds = [] } = snapshot
  // Only what is stored can be resolved.
  if (otherEnds.length > 0) await storeOutliers(writer, roomId, judged.ordered)
  return writer.update<{ position: number }>(
    roomId,
    async head => {
      const position = (await writer.context.read.events.byId(join.eventId))?.position
      if (position !== undefined) return { settled: { position } }
      return draft(writer.context, head, snapshot, judged, [])
    },
    { settled: otherEnds.length > 0 },
  )
}

const draftRoom = async (
  context: RoomsContext,
  snapshot: RoomSnapshot,
  judged: Judged,
): Promise<{ head: RoomHead; draft: Draft<{ position: number }> }> => {
  const create = judged.state.get(stateMapKey('m.room.create', ''))
  if (create === undefined) throw new BadSnapshot('the state has no create event')
  const row = {
    nid: context.nids.next(),
    roomId: snapshot.roomId,
    version: snapshot.version.id,
    headVersion: 0,
    isPublic: false,
    creator: create.sender,
    createdTs: create.originServerTs,
  }
  const head = new RoomHead(row, snapshot.version, [], [], new Map())
  const insert = context.write.rooms.insert(row)
  return { head, draft: await draft(context, head, snapshot, judged, [insert]) }
}

interface Judged extends JudgedOutliers {
  readonly state: ReadonlyMap<string, RoomEvent>
}

/** Authorises every event of a snapshot by its own auth events, and the join by the state. */
const judge = async (snapshot: RoomSnapshot): Promise<Judged> => {
  const { eventId: joinId } = snapshot.join
  const events = [...snapshot.authChain, ...snapshot.state].filter(({ eventId }) => eventId !== joinId)
  const createEvent = events.find(
    ({ type, stateKey, roomId }) => type === 'm.room.create' && stateKey === '' && roomId === snapshot.roomId,
  )
  const { ordered, rejected, awaits } = await judgeOutliers(events, {
    roomId: snapshot.roomId,
    createEvent,
    known: new Map(),
  })
  const stored = new Set(ordered.map(event => event.eventId))
  const state = new Map<string, RoomEvent>()
  for (const event of snapshot.state) {
    const { eventId } = event
    if (event.stateKey === undefined || rejected.has(eventId) || !stored.has(eventId)) continue
    state.set(stateMapKey(event.type, event.stateKey), event)
  }
  if (snapshot.partial !== undefined) addMembersOfAuth(state, snapshot.join, ordered, rejected)
  const lookup = (type: string, stateKey: string) => state.get(stateMapKey(type, stateKey))
  const refusal = authorise(snapshot.join, { state: lookup, createEvent: lookup('m.room.create', '') })
  if (refusal !== undefined) throw new BadSnapshot(`the join is not allowed: ${refusal.message}`)
  return { ordered, rejected, awaits, state }
}

const draft = async (
  context: RoomsContext,
  head: RoomHead,
  snapshot: RoomSnapshot,
  judged: Judged,
  leading: readonly WriteStatement[],
): Promise<Draft<{ position: number }>> => {
  const outliers = await outlierStatements(context, head, judged)
  const others = await otherEnds(context, head, snapshot.otherEnds ?? [])
  const snapshotState = stateOf(judged, outliers.nodes)
  const changes = stateDifference(head.state, snapshotState)
  const position = { stream: 'events', offset: 0 } as const
  head.applyState(changes)
  const state = context.write.state.change(head.room.nid, position, changes)
  const memberships = describedMemberships(
    context,
    head,
    { state: judged.state, nids: outliers.nids },
    changes,
  )
  const content = (type: string) => judged.state.get(stateMapKey(type, ''))?.content
  const summary = await summaryStatements(context, head, { content })
  const sticky = stickyStatements(
    context,
    head.room.nid,
    [...judged.state.values()].flatMap(event => {
      const nid = outliers.nids.get(event.eventId)
      return nid === undefined ? [] : { event, nid, position }
    }),
    2,
  )
  const placement = await placementOf(context, head, snapshot, { outliers, others })
  const appended = await append(context, head, placement, 1)
  const partial = partialStatements(context, head, snapshot, appended.nid)
  return {
    statements: [
      ...leading,
      ...outliers.statements,
      ...state,
      ...sticky,
      ...memberships,
      ...summary,
      ...appended.statements,
      ...partial,
    ],
    nids: [appended.nid, ...outliers.nids.values()],
    result: ({ positions: { events: first = 0 } }) => {
      appended.settle(first)
      if (head.partial !== undefined) head.partial.joinedAt = first + 1
      return { position: first + 1 }
    },
  }
}

/** Where the join stands: after the state, which the head has already. */
const placementOf = async (
  context: RoomsContext,
  head: RoomHead,
  { join, partial }: RoomSnapshot,
  { outliers, others }: { outliers: OutlierStatements; others: OtherEnds },
): Promise<Placement> => {
  // Some may be known as state already: history before the join is missing all the same.
  const known = await context.read.events.byIds([join.eventId, ...join.prevEvents])
  const outlierNid = known.get(join.eventId)?.nid
  const nid = outlierNid ?? context.nids.next()
  const authNodes = await authNodesOf(context, outliers, join.authEvents)
  const authEvents = [...authNodes.values()]
  const generation = authEvents.reduce((greatest, node) => Math.max(greatest, node.generation + 1), 0)
  const pending = { nid, generation, event: join, authEvents }
  return {
    event: join,
    json: canonicalJson(join.pdu),
    ...{ nid, outlierNid, authNodes },
    ...(await besideOtherEnds(context, head, pending, { ...others, lacksMembers: partial !== undefined })),
    missingPrevEvents: join.prevEvents.filter(eventId => known.get(eventId)?.position === undefined),
  }
}

/** Marks the room as one that lacks members, or takes the mark of an earlier stay away. */
const partialStatements = (
  { write, serverName }: RoomsContext,
  head: RoomHead,
  { join, partial }: RoomSnapshot,
  joinNid: number,
): WriteStatement[] => {
  const roomNid = head.room.nid
  const was = head.partial
  head.partial = partial && new PartialJoin({ joinEventId: join.eventId, ...partial, serverName })
  const joinedAt = { stream: 'events', offset: 1 } as const
  if (head.partial === undefined) return was === undefined ? [] : [write.partial.giveUp(roomNid, joinedAt)]
  return [write.partial.begin({ roomNid, joinNid, joinedAt, servers: [...head.partial.servers] })]
}

const stateOf = (judged: Judged, nodes: ReadonlyMap<string, AuthNode>): Map<string, StateEntry> => {
  const state = new Map<string, StateEntry>()
  for (const [key, { type, stateKey = '', eventId }] of judged.state) {
    const node = nodes.get(eventId)
    if (node !== undefined) state.set(key, { type, stateKey, eventId, ...nodeOf(node) })
  }
  return state
}

const nodeOf = ({ nid, generation }: AuthNode): AuthNode => ({ nid, generation })

/** The auth events of the join: most of them are on their way with it, and nowhere to be read yet. */
const authNodesOf = async (
  { read }: RoomsContext,
  { nodes }: { nodes: ReadonlyMap<string, AuthNode> },
  authEvents: readonly string[],
): Promise<Map<string, AuthNode>> => {
  const found = await read.events.nodesOf(authEvents.filter(eventId => !nodes.has(eventId)))
  for (const eventId of authEvents) {
    const node = nodes.get(eventId)
    if (node !== undefined) found.set(eventId, node)
  }
  return found
}
