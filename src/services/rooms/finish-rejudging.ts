import type { WriteStatement } from '../../storage/database.ts'
import type { Extremity } from '../../storage/rooms/rooms.ts'
import { stateStatements } from './append.ts'
import { stateAfterEnds } from './fork-placement.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import type { Rejudging } from './rejudge.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'

const hasEnd = (head: RoomHead, { nid }: Extremity): boolean => head.extremities.some(end => end.nid === nid)

/** What became of the attempt: events have come in between, or somebody else was faster. */
type Finish = 'complete' | 'more' | 'overtaken'

/**
 * The end of it: if nothing has come since, the current state is made what its ends say, and the room lacks nothing any
 * more.
 */
export const finishRejudging = async (
  writer: RoomWriter,
  head: RoomHead,
  task: PartialTask,
  rejudging: Rejudging,
): Promise<Draft<Finish> | Settled<Finish>> => {
  const { context } = writer
  if (partialOf(head, task) === undefined) return { settled: 'overtaken' }
  if (!(await rejudging.isUpToDate(head))) return { settled: 'more' }
  const position = { stream: 'events', offset: 0 } as const
  const statements: WriteStatement[] = [context.write.partial.complete(head.room.nid, position)]
  const { ends } = rejudging
  const isSame = ends.length === head.extremities.length && ends.every(end => hasEnd(head, end))
  if (rejudging.hasFindings || !isSame) {
    const state = await stateAfterEnds(context, head, ends)
    const kept = new Set(ends.map(end => end.nid))
    const had = new Set(head.extremities.map(end => end.nid))
    statements.push(
      ...context.write.rooms.extremities(head.room.nid, {
        add: [...kept].filter(nid => !had.has(nid)),
        remove: [...had].filter(nid => !kept.has(nid)),
      }),
    )
    head.setExtremities(ends)
    statements.push(...(await stateStatements(context, head, { changes: [...state.values()], position })))
  }
  head.partial = undefined
  head.revision += 1
  statements.push(...(await summaryStatements(context, head)))
  return {
    statements,
    nids: [],
    result: () => {
      context.partial.settled(head.room.nid)
      return 'complete'
    },
    // Another process was faster.
    onGuard: async () => 'overtaken',
  }
}
