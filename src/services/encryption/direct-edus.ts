import { hash } from 'node:crypto'
import type { JsonObject } from '../../core/json.ts'
import type { KeptEdu } from '../kept-edus.ts'

/** Messages that go into one EDU, so that a transaction stays of a size that everybody takes. */
const EDU_BYTES = 256 * 1024

/** A message to one device, or to all of a user (`*`). */
export interface Addressed {
  readonly userId: string
  readonly deviceId: string
  readonly content: JsonObject
}

/**
 * The `m.direct_to_device` EDUs that carry messages of one type to one server.
 *
 * @param source what tells this request from all others: message IDs are made of it
 */
export const directEdus = (
  server: string,
  sender: string,
  { type, source, batch }: { type: string; source: readonly string[]; batch: readonly Addressed[] },
): KeptEdu[] =>
  partsOf(batch).map((part, index) => {
    const messages = Object.fromEntries(
      Array.from(
        Map.groupBy(part, ({ userId }) => userId),
        ([userId, entries]) => [
          userId,
          Object.fromEntries(entries.map(({ deviceId, content }) => [deviceId, content])),
        ],
      ),
    )
    // "Of maximum length 32 codepoints."
    const messageId = hash('sha256', JSON.stringify([...source, server, index]), 'base64url').slice(0, 32)
    const content = { sender, type, message_id: messageId, messages }
    return { destinations: [server], type: 'm.direct_to_device', content }
  })

const partsOf = (batch: readonly Addressed[]): Addressed[][] => {
  const parts: Addressed[][] = [[]]
  let size = 0
  for (const entry of batch) {
    const bytes = Buffer.byteLength(JSON.stringify(entry))
    if (size > 0 && size + bytes > EDU_BYTES) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(entry)
    size += bytes
  }
  return parts
}
