import { isJsonObject } from '../../core/json.ts'
import type { NotificationFact } from '../../storage/notifications/notifications.ts'

/** Streams that tell what somebody does in a room. */
export type VisitStream = 'events' | 'receipts'

/** In the details of a request for attention, for nobody else's eyes: where these streams stood when it was asked. */
export const ASKED_AT = 'asked_at'

/** Whether what became of an invitation has been heard of by reading its room up to a position. */
export const isReadBy = (
  { kind, eventPosition }: Pick<NotificationFact, 'kind' | 'eventPosition'>,
  upTo: number,
): boolean => {
  const isAnswer = kind === 'invitation_accepted' || kind === 'invitation_declined'
  return isAnswer && eventPosition !== undefined && eventPosition <= upTo
}

/**
 * Whether a notification is a request for attention that is answered by what its user has done in the room, up to a position of a
 * stream. What they have done before is no answer: after a crash the streams are followed again from somewhere before it.
 */
export const isAnsweredBy = (
  { kind, details }: Pick<NotificationFact, 'kind' | 'details'>,
  { stream, position }: { readonly stream: VisitStream; readonly position: number },
): boolean => {
  if (kind !== 'conversation_requested') return false
  const askedAt = details[ASKED_AT]
  const asked = isJsonObject(askedAt) ? askedAt[stream] : undefined
  return typeof asked !== 'number' || position > asked
}
