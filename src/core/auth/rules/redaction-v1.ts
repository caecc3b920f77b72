import type { RoomEvent, Verdict } from '../../event/event.ts'
import { serverNameOf } from '../../ids.ts'
import { refuse } from '../refusal.ts'
import { mayDo, type RoomView } from '../room-view.ts'

/** "If type is `m.room.redaction`" (rule 11 of v1 and v2, where event IDs have a domain). */
export const redactionRule = (event: RoomEvent, room: RoomView): Verdict => {
  // "If the sender's power level is greater than or equal to the redact level, allow."
  if (mayDo('redact', event.sender, room)) return undefined
  // "If the domain of the redacted event's event_id is the same as that of the redaction's event_id, allow."
  const domain = serverNameOf(event.eventId)
  if (event.redacts !== undefined && domain !== '' && serverNameOf(event.redacts) === domain) return undefined
  return refuse('redaction.power', `${event.sender} may not redact what others have sent.`)
}
