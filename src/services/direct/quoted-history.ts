import { CanonicalJsonError, canonicalJson } from '../../core/canonical-json.ts'
import { fitsBytes } from '../../core/ids.ts'
import { isJsonObject, type JsonObject, ownMember } from '../../core/json.ts'

/** A message as it is quoted in another room: whose it was, and when; the words are quoted, never sent in their name. */
export type QuotedMessage = {
  readonly event_id: string
  readonly sender: string
  readonly origin_server_ts: number
  readonly content: JsonObject
}

/** An event may have 65,536 bytes; what surrounds the quotations needs some. */
const MAX_QUOTED_BYTES = 40_000
const MAX_MESSAGE_BYTES = 4_000
const MAX_FALLBACK_BYTES = 20_000
/** Of types that anybody uses; what is longer would take the place of what others have said. */
const MAX_TYPE_BYTES = 255
/** Events may nest no deeper than others can read them, and a quotation stands some levels below. */
const MAX_MESSAGE_DEPTH = 50

/**
 * What of a page of messages is quoted: those that still say something, each as it was last edited, oldest first; the
 * newest, as far as there is room.
 *
 * @param events in client format, newest first
 */
export const quotedMessages = (events: readonly JsonObject[]): QuotedMessage[] => {
  const quoted: QuotedMessage[] = []
  let bytes = 0
  for (const event of events) {
    const message = quotationOf(event)
    if (message === undefined) continue
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1
    if (bytes > MAX_QUOTED_BYTES) break
    quoted.push(message)
  }
  return quoted.reverse()
}

const quotationOf = (event: JsonObject): QuotedMessage | undefined => {
  const { event_id: eventId, sender, origin_server_ts: ts, content } = event
  if (typeof eventId !== 'string' || typeof sender !== 'string') return undefined
  if (typeof ts !== 'number' || !Number.isSafeInteger(ts)) return undefined
  if (!isJsonObject(content)) return undefined
  const relation = ownMember(content, 'm.relates_to')
  if (isJsonObject(relation) && relation['rel_type'] === 'm.replace') return undefined
  const said = lastEdit(event) ?? content
  const { body, msgtype } = said
  if (typeof body !== 'string' || typeof msgtype !== 'string') return undefined
  // What it related to is in another room, and whom it mentioned has been told.
  const { 'm.relates_to': _, 'm.mentions': __, ...words } = said
  const type = fitsBytes(msgtype, MAX_TYPE_BYTES) ? msgtype : 'm.text'
  const shown = mayBeQuoted(words) ? words : { msgtype: type, body: shortened(body) }
  return { event_id: eventId, sender, origin_server_ts: ts, content: shown }
}

/** Whether content may stand in an event as it is: rooms of old versions have numbers that newer ones do not take. */
const mayBeQuoted = (words: JsonObject): boolean => {
  try {
    const text = canonicalJson(words, { strictNumbers: true, maxDepth: MAX_MESSAGE_DEPTH })
    return fitsBytes(text, MAX_MESSAGE_BYTES)
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false
    throw error
  }
}

const lastEdit = ({ unsigned }: JsonObject): JsonObject | undefined => {
  const relations = isJsonObject(unsigned) ? unsigned['m.relations'] : undefined
  const replacement = isJsonObject(relations) ? relations['m.replace'] : undefined
  const content = isJsonObject(replacement) ? replacement['content'] : undefined
  const newContent = isJsonObject(content) ? content['m.new_content'] : undefined
  return isJsonObject(newContent) ? newContent : undefined
}

/** In whole characters; at most three bytes each, but for those beyond the basic plane, which are two units. */
const shortened = (body: string): string =>
  body.length <= MAX_BODY ? body.toWellFormed() : `${body.slice(0, MAX_BODY).toWellFormed()}…`
const MAX_BODY = 1_000

const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g

/** The same for clients that do not know quotations: a text that can be read, in which no words look like somebody else's. */
export const readableHistory = (messages: readonly QuotedMessage[]): string => {
  const lines: string[] = []
  let bytes = 0
  for (const { sender, origin_server_ts: ts, content } of messages.toReversed()) {
    const body = String(content['body']).replaceAll(LINE_END, '\n>   ')
    const line = `> ${readableTime(ts)}${sender}: ${body}`
    bytes += Buffer.byteLength(line) + 1
    if (bytes > MAX_FALLBACK_BYTES) break
    lines.push(line)
  }
  return lines.reverse().join('\n')
}

/** Date and time with a space behind them; nothing where what another server gives as a time is beyond all calendars. */
const readableTime = (ts: number): string => {
  const date = new Date(ts)
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 16).replace('T', ' ')} `
}
