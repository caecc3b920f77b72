import { type Json, object } from './api.ts'
import { visible } from './names.ts'

/** What is to happen in a room, and when. */
export interface Occasion {
  readonly summary: string
  readonly start: number
  readonly end: number | undefined
}

/** The largest time that a `Date` can hold: what others give may be beyond all calendars. */
const MAX_TIME = 8.64e15

const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= MAX_TIME

/** What somebody is invited to by a member event's content; `undefined` where that names no time. */
export const occasionOf = (content: Json): Occasion | undefined => {
  const { summary, start, end } = object(object(content['chat.tessera.invitation'])['event'])
  if (!isTime(start)) return undefined
  return { summary: visible(summary) ?? '', start, end: isTime(end) && end >= start ? end : undefined }
}
