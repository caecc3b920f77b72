import type { WriteStatement } from '../../storage/database.ts'
import type { AuthNode } from '../../storage/rooms/auth-graph.ts'
import type { MemberAt } from '../../storage/rooms/partial-rooms.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import type { PartialJoin } from './partial-join.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { RoomsContext, RoomWriter } from './room-writer.ts'

/** IDs that are looked up in one go. */
const CHUNK = 256

/**
 * Holds the state at the join of a room that lacks members, once these are filled in, against what it truly was: takes out
 * who was taken for a member by what others said, and was none; and puts in what else is lacking, because it could not be
 * verified when the room was joined.
 *
 * What was put in and still holds is noted as a change of its own, for the end of the completion to tell clients of.
 *
 * @param state.stateIds the event IDs of the state before the join
 * @param state.learnt those of them that were stored just now
 */
export const reconcileState = async (
  writer: RoomWriter,
  task: PartialTask,
  { stateIds, learnt }: { stateIds: readonly string[]; learnt: ReadonlyMap<string, Pick<AuthNode, 'nid'>> },
): Promise<void> => {
  const { context } = writer
  const truth = await nidsOf(
    context,
    stateIds.filter(eventId => !learnt.has(eventId)),
  )
  for (const eventId of stateIds) {
    const known = learnt.get(eventId)
    if (known !== undefined) truth.add(known.nid)
  }
  await writer.update<void>(
    task.roomId,
    async head => {
      const partial = partialOf(head, task)
      if (partial === undefined) return { settled: undefined }
      const members = await context.read.partial.membersAt(head.room.nid, partial.stateAt)
      const late = await putIn(context, head, partial, lackingOf(truth, members))
      const statements = [...takeOut(context, head, partial, { members, truth }), ...late]
      if (statements.length === 0) return { settled: undefined }
      statements.push(...(await summaryStatements(context, head)))
      return { statements, nids: [], result: () => undefined }
    },
    { settled: true },
  )
}

const nidsOf = async ({ read }: RoomsContext, eventIds: readonly string[]): Promise<Set<number>> => {
  const nids = new Set<number>()
  for (let start = 0; start < eventIds.length; start += CHUNK) {
    const nodes = await read.authGraph.nodes(eventIds.slice(start, start + CHUNK))
    for (const { nid } of nodes.values()) nids.add(nid)
  }
  return nids
}

const lackingOf = (truth: ReadonlySet<number>, members: readonly MemberAt[]): number[] => {
  const held = new Set(members.map(({ nid }) => nid))
  return [...truth].filter(nid => !held.has(nid))
}

/** Of these events, those of other types than members whose points hold nothing at the join. */
const putIn = async (
  { read, write }: RoomsContext,
  head: RoomHead,
  { stateAt }: PartialJoin,
  nids: readonly number[],
): Promise<WriteStatement[]> => {
  const roomNid = head.room.nid
  const others = await read.partial.othersAt(roomNid, stateAt)
  const held = new Set(others.map(({ nid }) => nid))
  const taken = new Set(others.map(({ type, stateKey }) => `${type} ${stateKey}`))
  const found = await read.events.byNids(nids.filter(nid => !held.has(nid)))
  const late = found.flatMap(({ nid, event, generation, rejected, roomNid: of }) => {
    const { type, stateKey, eventId } = event
    if (stateKey === undefined || type === 'm.room.member' || rejected !== undefined) return []
    const key = `${type} ${stateKey}`
    if (of !== roomNid || taken.has(key)) return []
    // What other servers tell may have two events at one point.
    taken.add(key)
    return { type, stateKey, nid, eventId, generation }
  })
  const points: StateDelta[] = []
  for (const point of late) {
    const since = await read.state.history(roomNid, point.type, point.stateKey)
    if (since.every(({ from }) => from <= stateAt)) points.push(point)
  }
  head.applyState(points)
  return [
    ...write.partial.fill(roomNid, stateAt, late),
    ...write.state.change(roomNid, { stream: 'events', offset: 0 }, points),
  ]
}

/** Those who were taken for members at the join and were none. */
const takeOut = (
  { write }: RoomsContext,
  head: RoomHead,
  { stateAt }: PartialJoin,
  { members, truth }: { readonly members: readonly MemberAt[]; readonly truth: ReadonlySet<number> },
): WriteStatement[] => {
  const roomNid = head.room.nid
  const strangers = members.filter(({ nid, from }) => from === stateAt && !truth.has(nid))
  if (strangers.length === 0) return []
  const gone = strangers.filter(({ userId, nid }) => head.entry('m.room.member', userId)?.nid === nid)
  head.applyState(
    gone.map(({ userId }) => ({
      ...{ type: 'm.room.member', stateKey: userId },
      ...{ nid: undefined, eventId: undefined },
    })),
  )
  for (const { userId } of gone) head.setMembership(userId, undefined)
  return [
    ...write.partial.remove(
      roomNid,
      stateAt,
      strangers.map(({ userId }) => userId),
    ),
    ...write.memberships.remove(
      roomNid,
      gone.map(({ userId }) => userId),
    ),
  ]
}
