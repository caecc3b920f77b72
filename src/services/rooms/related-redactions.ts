import { relationOf } from '../../core/relations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { EventTemplate } from './local-event.ts'
import type { RoomSender } from './room-sender.ts'
import type { RoomWriter } from './room-writer.ts'

/** Events that one request redacts beside the one that it names. */
const MAX_RELATED = 1_000

/** Redactions in one commit, each building on the one before. */
const BATCH = 50

/** What is redacted along with an event, and on whose behalf. */
export interface RelatedRedaction {
  readonly userId: string
  readonly roomId: string
  readonly target: StoredEvent
  /** "A list of relation types", or `*` for any. */
  readonly relTypes: readonly string[]
  readonly content: EventTemplate['content']
  /** Whether the user may redact an event. */
  readonly may: (event: StoredEvent) => Promise<boolean>
}

/**
 * Redacts what relates to an event in certain ways (MSC3912), as far as the user may; what they may not redact "is ignored".
 * Only events that this server has now are redacted.
 */
export const redactRelated = async (
  { writer, sender }: { writer: RoomWriter; sender: RoomSender },
  { userId, roomId, target, relTypes, content, may }: RelatedRedaction,
): Promise<void> => {
  const { relations, events } = writer.context.read
  const places = await relations.children({
    ...{ roomNid: target.roomNid, parentId: target.event.eventId, relType: undefined, eventType: undefined },
    ...{ recurse: false, direction: 'b', after: Number.MIN_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER },
    limit: MAX_RELATED,
  })
  const children = await events.byNids(places.map(({ nid }) => nid))
  const redacted: string[] = []
  for (const child of children) {
    if (child.redactedBy === undefined && isAmong(relTypes, target, child) && (await may(child)))
      redacted.push(child.event.eventId)
  }
  for (let from = 0; from < redacted.length; from += BATCH) {
    const templates = redacted.slice(from, from + BATCH).map(redacts => ({
      ...{ type: 'm.room.redaction', sender: userId, content, redacts },
    }))
    await sender.sendAll(roomId, templates)
  }
}

/** "Limited to the events which meet the validity requirements of the selected relationship types." */
const isAmong = (relTypes: readonly string[], target: StoredEvent, child: StoredEvent): boolean => {
  const relation = relationOf(child.event)
  if (relation === undefined) return false
  if (!relTypes.includes('*') && !relTypes.includes(relation.relType)) return false
  if (relation.relType !== 'm.replace') return true
  return (
    relation.isReplacement &&
    child.event.sender === target.event.sender &&
    child.event.type === target.event.type
  )
}
