import { isJsonObject } from '../../../core/json.ts'
import { parseJson } from '../../../core/parse-json.ts'
import { type NewReceipt, ReceiptWriter } from '../../../storage/ephemeral/receipts.ts'
import { Places } from '../../../storage/synapse/rooms/places.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

interface ReceiptRow {
  readonly stream_id: number
  readonly room_id: string
  readonly receipt_type: string
  readonly user_id: string
  readonly thread: string
  readonly event_id: string
  readonly data: string
}

/** Up to where everybody has read. */
export const receiptsStep: ImportStep = tableStep<ReceiptRow>({
  name: 'receipts',
  table: 'receipts_linearized',
  query: () => ({
    from: 'receipts_linearized',
    columns: [
      ...['stream_id', 'room_id', 'receipt_type', 'user_id', 'event_id', 'data'],
      "COALESCE(thread_id, '') AS thread",
    ],
    key: [
      ...['stream_id', 'room_id', 'receipt_type', 'user_id'],
      { column: "COALESCE(thread_id, '')", name: 'thread' },
    ],
  }),
  begin: ({ db }, progress) => {
    const writer = new ReceiptWriter(db)
    const places = new Places(db)
    return async rows => {
      const rooms = await places.rooms(rows.map(row => row.room_id))
      const events = await places.events(rows.map(row => row.event_id))
      const receipts = rows.flatMap((row): NewReceipt[] => {
        const roomNid = rooms.get(row.room_id)
        const { receipt_type: type, thread: threadId, event_id: eventId, user_id: userId } = row
        if (roomNid === undefined || (type !== 'm.read' && type !== 'm.read.private')) return []
        const event = events.get(eventId)
        const eventPosition = event?.roomNid === roomNid ? (event.position ?? undefined) : undefined
        return [{ roomNid, userId, type, threadId, eventId, eventPosition, ts: tsOf(row.data) }]
      })
      progress.came('receipts', receipts.length)
      progress.left('Receipts of rooms that did not come over', rows.length - receipts.length)
      return [writer.move(receipts)]
    }
  },
})

const tsOf = (data: string): number => {
  try {
    const read = parseJson(data)
    const ts = isJsonObject(read) ? read['ts'] : undefined
    return typeof ts === 'number' && Number.isSafeInteger(ts) ? ts : 0
  } catch {
    return 0
  }
}
