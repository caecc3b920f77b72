import { hash } from 'node:crypto'

/**
 * What a notification is about. Of each a user has at most one notification, whose ID follows from it: so whatever
 * finds out the same twice, in whatever process, writes the same row.
 */
export type Subject =
  | { readonly about: 'invitation' | 'request' | 'messages'; readonly roomId: string }
  | { readonly about: 'answer' | 'knock'; readonly roomId: string; readonly of: string }
  | { readonly about: 'event'; readonly eventId: string }

const ID_LENGTH = 22

/** The ID of a user's notification about something; nobody else has it. */
export const notificationId = (userId: string, subject: Subject): string => {
  const parts: readonly string[] =
    subject.about === 'event' ? [subject.eventId] : [subject.roomId, ...('of' in subject ? [subject.of] : [])]
  const text = JSON.stringify([userId, subject.about, ...parts])
  return hash('sha256', text, 'base64url').slice(0, ID_LENGTH)
}
