import { redactPdu } from '../../core/event/redaction.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { factsOf, RECORD_KEY } from '../../core/room-record.ts'
import {
  alternativeAliases,
  type ContentOf,
  isOpen,
  SUMMARY_TYPES,
  type SummaryType,
  summarise,
} from '../../core/room-summary.ts'
import { foldText } from '../../core/search-text.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Answer } from '../answer.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/**
 * Keeps what a room is shown by (`room_summaries`) in step with its head, in the commit that changes the head: so a
 * room is in the directory under its new name as soon as whoever named it has been answered, in every process, and
 * nobody has to follow the stream for it. Nothing is written by the many events that change neither.
 *
 * @param content what the summary is made of; by default what the head's state says.
 * @param redacted nids of events that the draft redacts.
 */
export const summaryStatements = (
  context: RoomsContext,
  head: RoomHead,
  options: SummaryOptions = {},
): Answer<WriteStatement[]> => {
  const { summaries } = context.write
  const { room, joinedMembers } = head
  const renewed = head.summaryChanged || touchesSummary(head, options.redacted ?? [])
  if (!renewed && head.summarisedMembers === joinedMembers) return []
  head.summaryChanged = false
  head.summarisedMembers = joinedMembers
  return renewed ? renewedSummary(context, head, options) : [summaries.setJoined(room.nid, joinedMembers)]
}

interface SummaryOptions {
  readonly content?: ContentOf
  readonly redacted?: readonly number[]
}

const renewedSummary = async (
  context: RoomsContext,
  head: RoomHead,
  options: SummaryOptions,
): Promise<WriteStatement[]> => {
  const { room, joinedMembers } = head
  const content = options.content ?? (await contentOfHead(context, head, options.redacted ?? []))
  const others = alternativeAliases(content)
  const summary = {
    ...summarise(content, head.version),
    [RECORD_KEY]: factsOf(content, room),
  }
  return [
    context.write.summaries.put({
      roomNid: room.nid,
      isPublished: room.isPublic,
      isOpen: isOpen(summary),
      isFederated: content('m.room.create')?.['m.federate'] !== false,
      joinedMembers,
      searchText: foldText([summary.name, summary.topic, summary.canonical_alias, ...others].join('\n')),
      summary,
    }),
  ]
}

const touchesSummary = (head: RoomHead, redacted: readonly number[]): boolean =>
  redacted.length > 0 && SUMMARY_TYPES.some(type => redacted.includes(head.entry(type, '')?.nid ?? -1))

/** Reads the content of the head's state events, as the summary needs it. */
export const contentOfHead = async (
  { read }: RoomsContext,
  head: RoomHead,
  redacted: readonly number[] = [],
): Promise<ContentOf> => {
  const nids = SUMMARY_TYPES.flatMap(type => head.entry(type, '')?.nid ?? [])
  const events = await read.events.byNids(nids)
  const contents = new Map<string, JsonObject>(
    events.map(stored => [stored.event.type, contentShown(stored, redacted.includes(stored.nid))]),
  )
  return (type: SummaryType) => contents.get(type)
}

/** The content of an event as it is shown: what a redaction leaves of it, where it was redacted. */
export const contentShown = ({ event, redactedBy }: StoredEvent, isRedacted = false): JsonObject => {
  if (redactedBy === undefined && !isRedacted) return event.content
  const { content } = redactPdu(event.pdu, event.version)
  return isJsonObject(content) ? content : {}
}
