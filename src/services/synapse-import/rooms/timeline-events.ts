import type { RoomVersion } from '../../../core/room-versions.ts'
import type { SynapseRooms } from '../../../storage/synapse/rooms/room-reader.ts'
import type { StepProgress } from '../step.ts'
import type { PlacedRow } from './merged-timeline.ts'
import type { TimelineEvent } from './room-draft.ts'
import { readSourceEvent } from './source-event.ts'

/** Reads events of a room's timeline, and what of what they refer to Synapse does not have. */
export const readTimeline = async (
  source: SynapseRooms,
  rows: readonly PlacedRow[],
  {
    roomId,
    version,
    told,
  }: { roomId: string; version: RoomVersion; told: Pick<StepProgress, 'came' | 'left'> },
): Promise<TimelineEvent[]> => {
  const read = rows.flatMap(row => {
    const event = readSourceEvent(row, roomId, version)
    if (typeof event === 'string') {
      told.left('Events that cannot be read', 1)
      return []
    }
    const { replaces_state: replaces } = event.unsigned
    return [
      {
        ...event,
        position: row.position,
        stream: row.stream,
        stateGroup: row.stateGroup ?? undefined,
        replaces: typeof replaces === 'string' ? replaces : undefined,
      },
    ]
  })
  told.came('events', read.length)
  const here = new Set(rows.map(row => row.eventId))
  const before = new Set(read.flatMap(({ event }) => event.prevEvents).filter(id => !here.has(id)))
  const present = await source.inTimeline([...before])
  return read.map(one => ({
    ...one,
    missing: one.event.prevEvents.filter(id => !here.has(id) && !present.has(id)),
  }))
}

/** Events that share a commit each: a redaction is stored before what it redacts is, if that comes later. */
export const inRuns = (events: readonly TimelineEvent[]): TimelineEvent[][] => {
  let run: TimelineEvent[] = []
  const runs = [run]
  let named = new Set<string>()
  for (const one of events) {
    const { eventId, redacts } = one.event
    if (named.has(eventId)) {
      run = []
      runs.push(run)
      named = new Set()
    }
    run.push(one)
    if (redacts !== undefined) named.add(redacts)
  }
  return runs
}
