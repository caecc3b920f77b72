import { isSameCanonically } from '../../core/canonical-json.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'
import type { EventTemplate } from './local-event.ts'
import type { RoomHead } from './room-head.ts'

/**
 * The ID of the state event that a single template would only repeat: by the same sender, with the same content. `undefined`:
 * there is something to send.
 */
export const unchangedState = (
  read: Pick<RoomReaders, 'events'>,
  head: RoomHead,
  templates: readonly EventTemplate[],
): Answer<string | undefined> => {
  const [template] = templates
  if (template?.stateKey === undefined || templates.length !== 1) return undefined
  // It is to stick anew.
  if (template.stickyMs !== undefined) return undefined
  const entry = head.entry(template.type, template.stateKey)
  return entry && sameState(entry.nid, read, template)
}

const sameState = async (
  nid: number,
  { events }: Pick<RoomReaders, 'events'>,
  template: EventTemplate,
): Promise<string | undefined> => {
  const [current] = await events.byNids([nid])
  if (current === undefined || current.event.sender !== template.sender) return undefined
  if (current.redactedBy !== undefined) return undefined
  return isSameCanonically(current.event.content, template.content) ? current.event.eventId : undefined
}
