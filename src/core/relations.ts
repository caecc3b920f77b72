import type { RoomEvent } from './event/event.ts'
import { fitsBytes, isEventId, MAX_ID_BYTES } from './ids.ts'
import { isJsonObject } from './json.ts'

/** How an event relates to another (client-server API, "Forming relationships between events"). */
export interface Relation {
  readonly relType: string
  /** The event that it relates to, its parent. */
  readonly parentId: string
  /** What it is annotated with (`m.annotation`). */
  readonly key: string | undefined
  /**
   * Whether it may replace its parent's content, as far as the event alone can tell: the parent also has to be of the
   * same sender and type, and neither a state event nor a replacement itself.
   */
  readonly isReplacement: boolean
}

/** Reads an event's relation; "relationships which don't match the schema are simply ignored". */
export const relationOf = (event: Pick<RoomEvent, 'content' | 'type' | 'stateKey'>): Relation | undefined => {
  const relates = event.content['m.relates_to']
  if (!isJsonObject(relates)) return undefined
  const { rel_type: relType, event_id: parentId, key } = relates
  if (typeof relType !== 'string' || typeof parentId !== 'string') return undefined
  if (!fitsBytes(relType, MAX_ID_BYTES) || !fitsBytes(parentId, MAX_ID_BYTES)) return undefined
  if (!relType.isWellFormed() || !parentId.isWellFormed() || `${relType}${parentId}`.includes('\0'))
    return undefined
  return {
    relType,
    parentId,
    key: typeof key === 'string' && key.isWellFormed() && !key.includes('\0') ? key : undefined,
    isReplacement: relType === 'm.replace' && event.stateKey === undefined && hasNewContent(event),
  }
}

/** The thread ID of everything that is in no thread. */
export const MAIN_TIMELINE = 'main'

/**
 * The ID of the thread that a relation puts its event into, its root. What names no event begins no thread: clients that take nothing but
 * event IDs for threads could read no response with another.
 */
export const threadBy = ({ relType, parentId }: Relation): string | undefined =>
  relType === 'm.thread' && isEventId(parentId) ? parentId : undefined

/** "The replacement event (once decrypted, if appropriate) must have an m.new_content property." */
const hasNewContent = ({ content, type }: Pick<RoomEvent, 'content' | 'type'>): boolean =>
  type === 'm.room.encrypted' || isJsonObject(content['m.new_content'])
