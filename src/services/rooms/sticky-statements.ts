import type { RoomEvent } from '../../core/event/event.ts'
import { stickyUntil } from '../../core/event/stickiness.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { RoomsContext } from './room-writer.ts'

/** An event that enters this server, and from where on clients are told of it. */
interface Entering {
  readonly event: RoomEvent
  readonly nid: number
  readonly position: SqlParameter
}

/**
 * What keeps those of these events that are sticky (MSC4354) until they run out; nothing at all where none is.
 *
 * @param offset how many sticky events of the same write set come before
 */
export const stickyStatements = (
  { write, clock, serverName }: RoomsContext,
  roomNid: number,
  events: readonly Entering[],
  offset = 0,
): WriteStatement[] => {
  const now = clock.now()
  const sticky = events.flatMap(({ event, nid, position }) => {
    const expiresTs = stickyUntil(event, now)
    if (expiresTs === undefined) return []
    const { sender } = event
    const isOwn = serverNameOf(sender) === serverName
    return { nid, roomNid, sender, isOwn, position, expiresTs }
  })
  return write.sticky.insert(sticky, now, offset)
}
