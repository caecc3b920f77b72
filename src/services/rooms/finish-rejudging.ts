import type { WriteStatement } from '../../storage/database.ts'
import type { StateDelta } from '../../storage/rooms/state-entry.ts'
import { stateAfterEnds } from './fork-placement.ts'
import type { PartialJoin } from './partial-join.ts'
import { type PartialTask, partialOf } from './partial-task.ts'
import type { Rejudging } from './rejudge.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { stateStatements } from './state-statements.ts'

/** What became of the attempt: events have come in between, or somebody else was faster. */
type Finish = 'complete' | 'more' | 'overtaken'

/** What the end of it is made of. */
export interface Ending {
  readonly rejudging: Rejudging
  /** What is stored with it, by the head as it is then. */
  readonly statements?: ((head: RoomHead, was: PartialJoin) => Promise<readonly WriteStatement[]>) | undefined
}

/**
 * The end of it: if nothing has come since, the current state is made what its ends say, and the room lacks nothing any
 * more.
 */
export const finishRejudging = async (
  writer: RoomWriter,
  head: RoomHead,
  task: PartialTask,
  { rejudging, statements: further }: Ending,
): Promise<Draft<Finish> | Settled<Finish>> => {
  const { context } = writer
  const partial = partialOf(head, task)
  if (partial === undefined) return { settled: 'overtaken' }
  if (!(await rejudging.isUpToDate(head))) return { settled: 'more' }
  const position = { stream: 'events', offset: 0 } as const
  const statements: WriteStatement[] = [context.write.partial.complete(head.room.nid, position)]
  const { ends } = rejudging
  // Also where nothing was found out about any event: ends may have been resolved before all that they say of members was known, or
  // an earlier attempt has found it out and come no further.
  const changes: readonly StateDelta[] = [...(await stateAfterEnds(context, head, ends)).values()]
  const kept = new Set(ends.map(end => end.nid))
  const had = new Set(head.extremities.map(end => end.nid))
  const add = [...kept.difference(had)]
  const remove = [...had.difference(kept)]
  if (add.length + remove.length > 0) {
    statements.push(...context.write.rooms.extremities(head.room.nid, { add, remove }))
    head.setExtremities(ends)
  }
  statements.push(...(await stateStatements(context, head, { changes, position })))
  // What of the state was learnt after the join: clients that know the room already are told of it now.
  const late = await context.read.partial.late(head.room.nid, partial.stateAt)
  const stays = late.filter(({ type, stateKey, nid }) => head.entry(type, stateKey)?.nid === nid)
  const toldAnew = stays.filter(({ nid }) => changes.every(change => change.nid !== nid))
  statements.push(...context.write.state.change(head.room.nid, position, toldAnew))
  head.partial = undefined
  head.revision += 1
  statements.push(...(await summaryStatements(context, head)), ...((await further?.(head, partial)) ?? []))
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
