import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Direction } from '../../storage/rooms/timeline-reader.ts'
import type { Access } from './room-access.ts'
import type { Sight } from './room-sight.ts'
import type { Stretch, TimelineSpan } from './timeline.ts'
import { BEGINNING, END } from './visible-ranges.ts'

/**
 * Whether what lies before everything that is stored might be shown, if it were fetched: what came before a join under
 * `invited`, too, where the state that came with the join has the invitation. A room that is stored from its create event
 * on has nothing more, and what was purged is not fetched back.
 */
export const reachesBeyond = async (
  read: Pick<RoomReaders, 'events'>,
  { access, sight }: { readonly access: Access; readonly sight: Sight },
  { direction, to }: TimelineSpan,
): Promise<boolean> => {
  const [first] = sight.ranges
  if (access.room.purged !== undefined) return false
  if (direction !== 'b' || to !== BEGINNING || first === undefined) return false
  const all = { after: BEGINNING, upTo: END }
  const [oldest] = await read.events.forwards({ roomNid: access.room.nid, ...all, limit: 1 })
  if (oldest?.position === undefined || oldest.event.type === 'm.room.create') return false
  return first.from < oldest.position
}

/**
 * Whether there is a next page. At the end of the newest page there is: what comes later, and clients that have caught up with
 * the present by going forwards rely on it to go on from there. Only an empty page ends that.
 */
export const goesOn = (
  { upTo }: Access,
  { direction, to }: { readonly direction: Direction; readonly to?: string | undefined },
  found: Stretch,
): boolean => {
  const isNewest = direction === 'f' && to === undefined && upTo === undefined
  return !found.exhausted || (isNewest && found.events.length > 0)
}
