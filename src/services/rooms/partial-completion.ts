import { serverNameOf } from '../../core/ids.ts'
import { type Ending, finishRejudging } from './finish-rejudging.ts'
import { type MemberEvent, memberEventOf } from './member-event.ts'
import { setMembers } from './partial-members.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import { receiveRecommended } from './receive-recommended.ts'
import { reconcileState } from './reconcile-state.ts'
import { type AskStateBefore, Rejudging } from './rejudge.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomsContext, RoomWriter, Settled } from './room-writer.ts'
import { stateStatements } from './state-statements.ts'

export interface CompletionOptions extends Pick<Ending, 'statements'> {
  readonly onProgress?: (done: number, of: number) => void
  /** For events whose `prev_events` are not here. */
  readonly askState?: AskStateBefore | undefined
  /** Those of the members that were stored just now, by event ID: these are not read again. */
  readonly learnt?: ReadonlyMap<string, MemberEvent> | undefined
}

/** Members per commit: the writer thread is never kept from others for long. */
const CHUNK = 256

/**
 * Completes a room that was joined without its members, once its whole state at the join is stored: fills in the
 * members at the join's position, some hundreds in a commit, and what else was lacking there; judges what has come since
 * anew (MSC3902, "Resynchronisation": "work forward through the event DAG … rechecking event authorisation"); and takes
 * the mark away in the commit that sets right what has to be. Goes on where an earlier attempt has ended.
 *
 * @param stateIds the event IDs of the state before the join. What of other types than `m.room.member` came with the join
 *   stays what it is.
 * @param options.statements what is to be stored in the commit that takes the mark away, by the head as it will be
 * @returns whether it is complete now; `false` if nobody here is in the room by this join any more
 */
export const completeRoom = async (
  writer: RoomWriter,
  task: PartialTask,
  stateIds: readonly string[],
  options: CompletionOptions = {},
): Promise<boolean> => {
  const { statements, askState, learnt = new Map<string, MemberEvent>() } = options
  for (let start = 0; start < stateIds.length; start += CHUNK) {
    const chunk = { eventIds: stateIds.slice(start, start + CHUNK), learnt }
    const filled = await writer.update<boolean>(task.roomId, head => fill(writer, head, task, chunk), SETTLED)
    if (!filled) return false
    options.onProgress?.(Math.min(start + CHUNK, stateIds.length), stateIds.length)
  }
  await reconcileState(writer, task, { stateIds, learnt })
  const rejudging = new Rejudging(writer, task, askState)
  for (;;) {
    if (!(await rejudging.catchUp())) return false
    const outcome = await writer.update(
      task.roomId,
      head => finishRejudging(writer, head, task, { rejudging, statements }),
      SETTLED,
    )
    if (outcome === 'overtaken') return false
    if (outcome === 'complete') break
  }
  for (const event of rejudging.acceptable) {
    const stateBefore = rejudging.stateBefore(event)
    await receiveRecommended(writer, event, stateBefore === undefined ? {} : { stateBefore })
  }
  return true
}

/**
 * Nobody here is in the room any more, or is held to be by those who know it: what is not known of its members will never be. Whoever
 * was in it by our own belief alone leaves it, as if state resolution had taken the join away, and may come in anew.
 */
export const abandonCompletion = (writer: RoomWriter, task: PartialTask): Promise<void> =>
  writer.update<void>(
    task.roomId,
    async head => {
      const { context } = writer
      const partial = partialOf(head, task)
      if (partial === undefined) return { settled: undefined }
      const position = { stream: 'events', offset: 0 } as const
      const changes = [...head.memberships]
        .filter(
          ([userId, membership]) => membership === 'join' && serverNameOf(userId) === context.serverName,
        )
        .map(([userId]) => ({ type: MEMBER, stateKey: userId, nid: undefined, eventId: undefined }))
      const statements = [
        ...context.write.partial.giveUp(head.room.nid, position),
        ...(await stateStatements(context, head, { changes, position })),
        ...(await summaryStatements(context, head)),
      ]
      head.partial = undefined
      head.revision += 1
      return {
        statements,
        nids: [],
        result: ({ positions: { events: to = 0 } }) => {
          head.endsUnfinished(partial, to)
          context.partial.settled(head.room.nid)
        },
      }
    },
    SETTLED,
  )

const MEMBER = 'm.room.member'

/** These jobs compare what is in the database with the head. */
const SETTLED = { settled: true } as const

/** Puts members into the state at the join; whose membership has changed since stays what it is now. */
const fill = async (
  { context }: RoomWriter,
  head: RoomHead,
  task: PartialTask,
  chunk: MemberChunk,
): Promise<Draft<boolean> | Settled<boolean>> => {
  const partial = partialOf(head, task)
  if (partial === undefined) return { settled: false }
  const { read, write } = context
  const roomNid = head.room.nid
  const members = await membersIn(context, roomNid, chunk)
  const userIds = members.map(({ userId }) => userId)
  const [there, moved] = await Promise.all([
    read.partial.membersAt(roomNid, partial.stateAt, userIds),
    read.partial.movedAfter(roomNid, partial.stateAt, userIds),
  ])
  const known = new Map(there.map(member => [member.userId, member]))
  const late: MemberEvent[] = []
  const misheard: MemberEvent[] = []
  for (const member of members) {
    const was = known.get(member.userId)
    if (was === undefined) late.push(member)
    else if (was.nid !== member.nid && was.from === partial.stateAt) misheard.push(member)
  }
  if (late.length + misheard.length === 0) return { settled: true }
  const pointOf = ({ userId, nid }: MemberEvent) => ({ type: MEMBER, stateKey: userId, nid })
  const isFollowed = ({ userId }: MemberEvent): boolean => moved.has(userId)
  const current = [...late, ...misheard].filter(one => !isFollowed(one))
  const statements = [
    ...write.partial.fill(roomNid, partial.stateAt, late.filter(isFollowed).map(pointOf)),
    ...write.partial.fillUntilNow(
      roomNid,
      partial.stateAt,
      late.filter(one => !isFollowed(one)).map(pointOf),
    ),
    ...write.partial.correct(roomNid, partial.stateAt, misheard),
    ...setMembers(context, head, current, partial.stateAt),
  ]
  statements.push(...(await summaryStatements(context, head)))
  return {
    statements,
    nids: [],
    result: () => {
      // So many are not to push out of the cache what is asked for.
      read.events.forget(members.map(({ nid }) => nid))
      return true
    },
  }
}

/** Some of a state's event IDs, and what is known of members. */
interface MemberChunk {
  readonly eventIds: readonly string[]
  readonly learnt: ReadonlyMap<string, MemberEvent>
}

/** Those of the events that tell of members of the room and are not rejected, as they are stored now. */
const membersIn = async (
  { read }: RoomsContext,
  roomNid: number,
  { eventIds, learnt }: MemberChunk,
): Promise<MemberEvent[]> => {
  const fresh = eventIds.flatMap(eventId => learnt.get(eventId) ?? [])
  const [stored, accepted] = await Promise.all([
    read.events.byIds(eventIds.filter(eventId => !learnt.has(eventId))),
    read.events.acceptedOf(fresh.map(({ nid }) => nid)),
  ])
  const loaded = [...stored.values()].flatMap(one =>
    one.roomNid === roomNid && one.rejected === undefined ? (memberEventOf(one) ?? []) : [],
  )
  const all = [...fresh.filter(({ nid }) => accepted.has(nid)), ...loaded]
  // Other servers make the list: it may name an event twice, or two of one member.
  return [...new Map(all.map(member => [member.userId, member])).values()]
}
