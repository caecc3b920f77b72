import type { RoomEvent } from './event/event.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** The keys that a search may be restricted to, and the event type that each belongs to (module "Server Side Search"). */
export const SEARCHED_TYPES = {
  'content.body': 'm.room.message',
  'content.name': 'm.room.name',
  'content.topic': 'm.room.topic',
} as const

/** The text of an event by which it is found: `undefined` for what is not searched, such as encrypted events. */
export const searchedText = ({ type, content }: Pick<RoomEvent, 'type' | 'content'>): string | undefined => {
  switch (type) {
    case 'm.room.message':
      return text(content['body'])
    case 'm.room.name':
      return text(content['name'])
    case 'm.room.topic':
      return [text(content['topic']), plainTopic(content)].filter(part => part !== undefined).join('\n')
    default:
      return undefined
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** "As well as the body of the text/plain representation in content['m.topic']", where it says something else. */
const plainTopic = (content: JsonObject): string | undefined => {
  const block = content['m.topic']
  const parts = isJsonObject(block) ? block['m.text'] : undefined
  if (!Array.isArray(parts)) return undefined
  const plain = parts.find(
    part => isJsonObject(part) && (part['mimetype'] === undefined || part['mimetype'] === 'text/plain'),
  )
  const body = isJsonObject(plain) ? text(plain['body']) : undefined
  return body === content['topic'] ? undefined : body
}
