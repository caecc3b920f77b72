import { type Json, object } from './api.ts'
import { visible } from './names.ts'

/** What is to happen in a room, and when. */
export interface Occasion {
  readonly summary: string
  readonly start: number
  readonly end: number | undefined
}

/** What somebody is invited to by a member event's content; `undefined` where that names no time. */
export const occasionOf = (content: Json): Occasion | undefined => {
  const { summary, start, end } = object(object(content['chat.tessera.invitation'])['event'])
  return typeof start === 'number'
    ? { summary: visible(summary) ?? '', start, end: typeof end === 'number' ? end : undefined }
    : undefined
}
