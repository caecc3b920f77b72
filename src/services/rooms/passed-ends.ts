import type { RoomEvent } from '../../core/event/event.ts'
import { coveredBy, stateAfterEnds } from './fork-placement.ts'
import { endStatements } from './room-ends.ts'
import type { RoomHead } from './room-head.ts'
import { summaryStatements } from './room-summary.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { stateStatements } from './state-statements.ts'

/**
 * Takes from a room's ends those that are none any more, now that events of a gap have come which refer to them: the room has gone on
 * from there, and its state is what the others say. Else every event that comes is resolved with what held before the gap, until
 * somebody here says something.
 *
 * @param come the events that have come; those that were refused, or not stored, do not count
 */
export const passEnds = (writer: RoomWriter, roomId: string, come: readonly RoomEvent[]): Promise<void> =>
  writer.update<void>(roomId, head => draft(writer, head, come), { settled: true })

const draft = async (
  { context }: RoomWriter,
  head: RoomHead,
  come: readonly RoomEvent[],
): Promise<Draft<void> | Settled<void>> => {
  const { extremities: before, partial } = head
  if (before.length === 1 || partial !== undefined) return { settled: undefined }
  const stored = await context.read.events.byIds(come.map(({ eventId }) => eventId))
  const accepted = [...stored.values()].filter(
    ({ position, rejected, softFailed }) => position !== undefined && rejected === undefined && !softFailed,
  )
  const covered = await coveredBy(
    context,
    accepted.flatMap(({ event }) => event.prevEvents),
  )
  const ends = before.filter(end => !covered.has(end.eventId))
  if (ends.length === before.length || ends.length === 0) return { settled: undefined }
  const changes = [...(await stateAfterEnds(context, head, ends)).values()]
  head.setExtremities(ends)
  const position = { stream: 'events', offset: 0 } as const
  return {
    statements: [
      ...endStatements(context, head, before),
      ...(await stateStatements(context, head, { changes, position })),
      ...(await summaryStatements(context, head)),
    ],
    nids: [],
    result: () => undefined,
  }
}
