import { isJsonObject } from '../../core/json.ts'
import { RECORD_KEY } from '../../core/room-record.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { SummaryRow } from '../../storage/rooms/summaries.ts'

/**
 * Summaries as they are told to somebody: with what is no part of the room's state, or changes with every member. All of a
 * page at once, in their order.
 */
export const shownSummaries = async (
  read: RoomReaders,
  rows: readonly SummaryRow[],
): Promise<SummaryRow[]> => {
  if (rows.length === 0) return []
  const invited = await read.memberships.invitedTo(rows.map(row => row.roomNid))
  return rows.map(row => {
    const facts = isJsonObject(row.summary[RECORD_KEY]) ? row.summary[RECORD_KEY] : {}
    const told = { ...facts, is_public: row.isPublished, invited_members: invited.get(row.roomNid) ?? 0 }
    return { ...row, summary: { ...row.summary, [RECORD_KEY]: told } }
  })
}
