import { fitsBytes, isCompliantUserId, isEventId, MAX_ID_BYTES, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'

/** A public receipt as it travels between servers. */
export interface FederatedReceipt {
  readonly userId: string
  readonly eventId: string
  /** Empty: unthreaded. */
  readonly threadId: string
  readonly ts: number
}

/** Receipts of one EDU; what is beyond that is left out. */
const MAX_RECEIPTS = 1_000

/** The content of an `m.receipt` EDU for one receipt. */
export const receiptContent = (roomId: string, receipt: FederatedReceipt): JsonObject => ({
  [roomId]: {
    'm.read': {
      [receipt.userId]: {
        event_ids: [receipt.eventId],
        data: { ts: receipt.ts, ...(receipt.threadId === '' ? {} : { thread_id: receipt.threadId }) },
      },
    },
  },
})

/**
 * The receipts of an `m.receipt` EDU by room, those that are well-formed and about users of `origin`. "Only a single
 * receipt type should be used: m.read."
 */
export const parseReceiptContent = (origin: string, content: JsonObject): Map<string, FederatedReceipt[]> => {
  const rooms = new Map<string, FederatedReceipt[]>()
  let left = MAX_RECEIPTS
  for (const [roomId, types] of Object.entries(content)) {
    const users = isJsonObject(types) ? types['m.read'] : undefined
    if (!isJsonObject(users)) continue
    const receipts: FederatedReceipt[] = []
    for (const [userId, value] of Object.entries(users)) {
      const isTheirs = serverNameOf(userId) === origin && isCompliantUserId(userId)
      const receipt = left > 0 && isTheirs ? receiptOf(userId, value) : undefined
      if (receipt === undefined) continue
      receipts.push(receipt)
      left -= 1
    }
    if (receipts.length > 0) rooms.set(roomId, receipts)
  }
  return rooms
}

const receiptOf = (userId: string, value: JsonValue | undefined): FederatedReceipt | undefined => {
  if (!isJsonObject(value)) return undefined
  const { event_ids: eventIds, data } = value
  const eventId: JsonValue | undefined = Array.isArray(eventIds) ? eventIds[0] : undefined
  if (typeof eventId !== 'string' || !isEventId(eventId) || !isJsonObject(data)) return undefined
  const { ts, thread_id: threadId = '' } = data
  // Clients that take no number below zero could read none of the room's receipts that are told with it.
  if (typeof ts !== 'number' || !Number.isSafeInteger(ts) || ts < 0) return undefined
  if (typeof threadId !== 'string' || !fitsBytes(threadId, MAX_ID_BYTES) || !threadId.isWellFormed()) {
    return undefined
  }
  if (threadId.includes('\0')) return undefined
  return { userId, eventId, threadId, ts }
}
