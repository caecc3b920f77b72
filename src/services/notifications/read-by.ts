import type { NotificationFact } from '../../storage/notifications/notifications.ts'

/**
 * Whether a notification is answered by reading its room up to a position: a request for attention by any reading, what became of an
 * invitation by reading up to there.
 */
export const isReadBy = (
  { kind, eventPosition }: Pick<NotificationFact, 'kind' | 'eventPosition'>,
  upTo: number,
): boolean => {
  if (kind === 'conversation_requested') return true
  const isAnswer = kind === 'invitation_accepted' || kind === 'invitation_declined'
  return isAnswer && eventPosition !== undefined && eventPosition <= upTo
}
