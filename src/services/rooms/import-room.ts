import { canonicalJsonAsRead } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'
import { stateMapKey } from '../../core/event/event.ts'
import { generationAfter } from '../../core/state-resolution/auth-graph.ts'
import type { StreamPosition, WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { StateEntry } from '../../storage/rooms/state-entry.ts'
import { append, type Placement } from './append.ts'
import { describedMemberships } from './described-memberships.ts'
import { type OutlierStatements, outlierStatements } from './judge-outliers.ts'
import { BadSnapshot, type JudgedSnapshot, judgeSnapshot, type RoomSnapshot } from './judge-snapshot.ts'
import { besideOtherEnds, type OtherEnds, otherEnds } from './other-ends.ts'
import { storeOutliers } from './outliers.ts'
import { PartialJoin } from './partial-join.ts'
import { endStatements } from './room-ends.ts'
import { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomsContext, RoomWriter } from './room-writer.ts'
import { stateDifference } from './state-at.ts'
import { stickyStatements } from './sticky-statements.ts'
import { gapBefore } from './timeline-gaps.ts'

/**
 * Stores a room (or a newer view of one that everybody here had left) as a peer describes it, with the join that lets
 * a local user in. The state holds from the position just before the join. Where it lacks members, the room is marked
 * as partial in the same commit; they are filled in at that position later (`partial-completion.ts`). What was here is
 * forgotten for it, but for the ends that the peer does not have: with these it is resolved.
 *
 * Throws `BadSnapshot` if there is no acceptable create event, it is that of a room of another version, or the join is not
 * allowed by that state, `M_FORBIDDEN` if that is because of a ban. State events that the rules reject, or whose auth events are not there, are left out of the state.
 */
export const importRoom = async (
  writer: RoomWriter,
  snapshot: RoomSnapshot,
): Promise<{ position: number }> => {
  const { roomId } = snapshot
  const judged = await judgeSnapshot(snapshot)
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
  judged: JudgedSnapshot,
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
  judged: JudgedSnapshot,
): Promise<{ head: RoomHead; draft: Draft<{ position: number }> }> => {
  const create = judged.state.get(stateMapKey('m.room.create', ''))
  if (create === undefined) throw new BadSnapshot('the state has no create event')
  const row = {
    nid: context.nids.next(),
    roomId: snapshot.roomId,
    version: snapshot.version.id,
    headVersion: 0,
    latestTs: 0,
    isPublic: false,
    creator: create.sender,
    createdTs: create.originServerTs,
  }
  // Its events are known by their IDs until they are removed, and would be again what the new room consists of.
  await checkGone(context, row.roomId)
  context.read.events.roomIs(row.roomId, row.nid)
  const head = new RoomHead(row, snapshot.version, [], [], new Map())
  const insert = context.write.rooms.insert(row)
  return { head, draft: await draft(context, head, snapshot, judged, [insert]) }
}

/** Throws (503) as long as some of a room is here that is being removed. */
export const checkGone = async ({ read }: Pick<RoomsContext, 'read'>, roomId: string): Promise<void> => {
  if (!(await read.going.has(roomId))) return
  throw new MatrixError('M_UNKNOWN', 'The room is being removed from this server. Try again later.', {
    status: 503,
  })
}

const draft = async (
  context: RoomsContext,
  head: RoomHead,
  snapshot: RoomSnapshot,
  judged: JudgedSnapshot,
  leading: readonly WriteStatement[],
): Promise<Draft<{ position: number }>> => {
  const { partial: was, extremities: ends } = head
  const outliers = await outlierStatements(context, head, judged)
  // Some may be known as state already: history before the join is missing all the same.
  const missingPrevEvents = await notInTimeline(context, snapshot.join.prevEvents)
  const gap = await gapBefore(context, head, snapshot.join, missingPrevEvents)
  const { reserved } = gap
  const others = await otherEnds(context, head, snapshot.otherEnds ?? [])
  const snapshotState = stateOf(judged, outliers.nodes)
  const changes = stateDifference(head.state, snapshotState)
  const position = { stream: 'events', offset: reserved } as const
  const joinedAt = { stream: 'events', offset: reserved + 1 } as const
  head.applyState(changes)
  const state = context.write.state.change(head.room.nid, position, changes)
  const memberships = describedMemberships(
    context,
    head,
    { state: judged.state, nids: outliers.nids, lacksMembers: snapshot.partial !== undefined },
    { changes, position },
  )
  const content = (type: string) => judged.state.get(stateMapKey(type, ''))?.content
  const summary = await summaryStatements(context, head, { content })
  const stored = [...judged.state.values()].flatMap(event => {
    const nid = outliers.nids.get(event.eventId)
    return nid === undefined ? [] : { event, nid, position }
  })
  const sticky = stickyStatements(context, head.room.nid, stored, 2)
  const placement = await placementOf(context, head, snapshot, { outliers, others })
  const appended = await append(context, head, { ...placement, missingPrevEvents, reserved }, 1)
  const partial = partialStatements(context, head, snapshot, { nid: appended.nid, position: joinedAt })
  return {
    statements: [
      ...leading,
      ...outliers.statements,
      ...state,
      ...sticky,
      ...memberships,
      ...summary,
      ...appended.statements,
      ...endStatements(context, head, ends),
      ...gap.statements(joinedAt),
      ...partial,
    ],
    nids: [appended.nid, ...outliers.nids.values()],
    result: ({ positions: { events: first = 0 } }) => {
      appended.settle(first)
      const joined = first + joinedAt.offset
      if (was !== undefined) head.endsUnfinished(was, joined)
      if (head.partial !== undefined) head.partial.joinedAt = joined
      return { position: joined }
    },
  }
}

/** Those of the events that the timeline here does not have. */
const notInTimeline = async ({ read }: RoomsContext, eventIds: readonly string[]): Promise<string[]> => {
  const stored = await read.events.byIds(eventIds)
  return eventIds.filter(eventId => stored.get(eventId)?.position === undefined)
}

/** Where the join stands: after the state, which the head has already. */
const placementOf = async (
  context: RoomsContext,
  head: RoomHead,
  { join, partial }: RoomSnapshot,
  { outliers, others }: { outliers: OutlierStatements; others: OtherEnds },
): Promise<Placement> => {
  const outlierNid = (await context.read.events.byId(join.eventId))?.nid
  const nid = outlierNid ?? context.nids.next()
  const authNodes = await authNodesOf(context, outliers, join.authEvents)
  const authEvents = [...authNodes.values()]
  const generation = generationAfter(authEvents)
  const pending = { nid, generation, event: join, authEvents }
  return {
    event: join,
    json: canonicalJsonAsRead(join.pdu),
    ...{ nid, outlierNid, authNodes },
    ...(await besideOtherEnds(context, head, pending, { ...others, lacksMembers: partial !== undefined })),
  }
}

/** Marks the room as one that lacks members, or takes the mark of an earlier stay away. */
const partialStatements = (
  { write, serverName }: RoomsContext,
  head: RoomHead,
  { join, partial }: RoomSnapshot,
  joined: { readonly nid: number; readonly position: StreamPosition },
): WriteStatement[] => {
  const roomNid = head.room.nid
  const was = head.partial
  head.partial = partial && new PartialJoin({ joinEventId: join.eventId, ...partial, serverName })
  const { nid: joinNid, position: joinedAt } = joined
  head.wasPartial ||= head.partial !== undefined
  const ended = was === undefined ? [] : write.partial.giveUp(roomNid, joinedAt)
  if (head.partial === undefined) return ended
  return [...ended, write.partial.begin({ roomNid, joinNid, joinedAt, servers: [...head.partial.servers] })]
}

const stateOf = (judged: JudgedSnapshot, nodes: ReadonlyMap<string, AuthNode>): Map<string, StateEntry> => {
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
  const found = await read.authGraph.nodes(authEvents.filter(eventId => !nodes.has(eventId)))
  for (const eventId of authEvents) {
    const node = nodes.get(eventId)
    if (node !== undefined) found.set(eventId, node)
  }
  return found
}
