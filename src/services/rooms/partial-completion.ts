import { serverNameOf } from '../../core/ids.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { type Ending, finishRejudging } from './finish-rejudging.ts'
import { setMembers } from './partial-members.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import { receiveRecommended } from './receive-recommended.ts'
import { reconcileState } from './reconcile-state.ts'
import { type AskStateBefore, Rejudging } from './rejudge.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { stateStatements } from './state-statements.ts'

export interface CompletionOptions extends Pick<Ending, 'statements'> {
  readonly onProgress?: (done: number, of: number) => void
  /** For events whose `prev_events` are not here. */
  readonly askState?: AskStateBefore | undefined
}

/** Members per commit: the writer thread is never kept from others for long. */
const CHUNK = 250

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
  for (let start = 0; start < stateIds.length; start += CHUNK) {
    const chunk = stateIds.slice(start, start + CHUNK)
    const filled = await writer.update<boolean>(task.roomId, head => fill(writer, head, task, chunk), SETTLED)
    if (!filled) return false
    options.onProgress?.(Math.min(start + CHUNK, stateIds.length), stateIds.length)
  }
  await reconcileState(writer, task, stateIds)
  const { statements, askState } = options
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
  eventIds: readonly string[],
): Promise<Draft<boolean> | Settled<boolean>> => {
  const partial = partialOf(head, task)
  if (partial === undefined) return { settled: false }
  const { read, write } = context
  const roomNid = head.room.nid
  const members = [...(await read.events.byIds(eventIds)).values()].filter(stored =>
    isMember(stored, roomNid),
  )
  const userIds = members.map(userIdOf)
  const known = new Map(
    (await read.partial.membersAt(roomNid, partial.stateAt, userIds)).map(member => [member.userId, member]),
  )
  const moved = await read.partial.movedAfter(roomNid, partial.stateAt, userIds)
  const late: StoredEvent[] = []
  const misheard: StoredEvent[] = []
  for (const stored of members) {
    const was = known.get(userIdOf(stored))
    if (was === undefined) late.push(stored)
    else if (was.nid !== stored.nid && was.from === partial.stateAt) misheard.push(stored)
  }
  if (late.length + misheard.length === 0) return { settled: true }
  const lateMember = (stored: StoredEvent) => ({ userId: userIdOf(stored), nid: stored.nid })
  const points = late.map(stored => ({ type: MEMBER, stateKey: userIdOf(stored), nid: stored.nid }))
  const current = [...late, ...misheard].filter(stored => !moved.has(userIdOf(stored)))
  const statements = [
    ...write.partial.fill(roomNid, partial.stateAt, points),
    ...write.partial.correct(roomNid, partial.stateAt, misheard.map(lateMember)),
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

const userIdOf = ({ event }: StoredEvent): string => event.stateKey ?? ''

const isMember = ({ event, rejected, roomNid }: StoredEvent, inRoom: number): boolean =>
  roomNid === inRoom && rejected === undefined && event.type === MEMBER && event.stateKey !== undefined
