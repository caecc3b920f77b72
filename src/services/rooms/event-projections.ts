import type { RoomEvent } from '../../core/event/event.ts'
import { relationOf } from '../../core/relations.ts'
import { searchTokens } from '../../core/search-text.ts'
import { searchedText } from '../../core/searched-text.ts'
import type { SqlParameter, WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomWriters } from '../../storage/rooms/index.ts'

/** An event that enters a room's timeline. */
export interface ShownEvent {
  readonly nid: number
  readonly roomNid: number
  readonly event: RoomEvent
  readonly position: SqlParameter
}

/** What events are found by is written in the commit that shows them: right as soon as the sender is answered. */
export const projected = (write: RoomWriters, shown: ShownEvent): WriteStatement[] => {
  const { nid, roomNid, event } = shown
  const tokens = searchTokens(searchedText(event) ?? '')
  return [
    ...relationStatements(write, shown),
    ...(tokens.length === 0 ? [] : [write.messages.insert({ nid, roomNid, tokens })]),
  ]
}

const relationStatements = (
  write: RoomWriters,
  { nid, roomNid, event, position }: ShownEvent,
): WriteStatement[] => {
  const relation = relationOf(event)
  if (relation === undefined) return []
  const { eventId, type, sender, originServerTs } = event
  return write.relations.insert({
    ...relation,
    nid,
    eventId,
    roomNid,
    type,
    sender,
    originServerTs,
    position,
  })
}

/** The same for events that are redacted: they are found no more. */
export const unprojected = (write: RoomWriters, redacted: readonly StoredEvent[]): WriteStatement[] =>
  redacted.flatMap(({ nid, roomNid, event }) => {
    const relation = relationOf(event)
    return [
      ...(relation === undefined ? [] : write.relations.remove({ ...relation, nid, roomNid })),
      ...(searchedText(event) === undefined ? [] : [write.messages.remove([nid])]),
    ]
  })
