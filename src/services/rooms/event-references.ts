import { referenceHash } from '../../core/hashes.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { Answer } from '../answer.ts'
import type { RoomsContext } from './room-writer.ts'

const NONE: ReadonlyMap<string, string> = new Map()

/** The reference hashes that room versions 1 and 2 write beside each referenced event ID; empty for later versions. */
export const eventReferences = (
  context: RoomsContext,
  version: RoomVersion,
  eventIds: readonly string[],
): Answer<ReadonlyMap<string, string>> =>
  version.format.references === 'ids' ? NONE : hashesOf(context, version, eventIds)

const hashesOf = async (
  { read }: RoomsContext,
  version: RoomVersion,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  const events = await read.events.byIds(eventIds)
  return new Map([...events].map(([eventId, { event }]) => [eventId, referenceHash(event.pdu, version)]))
}
