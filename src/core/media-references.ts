import type { RoomEvent } from './event/event.ts'
import { isJsonObject, type JsonValue } from './json.ts'
import { formatMxc, type Mxc, parseMxc } from './media.ts'

/** The events whose content names files: messages of all kinds, and stickers. */
export const TYPES_WITH_FILES = ['m.room.message', 'm.sticker'] as const

/**
 * The files that a message shows (client-server API, "Instant messaging" and "Sticker messages"), each once: `url` and
 * `info.thumbnail_url`, or `file` and `info.thumbnail_file` where they are encrypted. What is inside an encrypted event
 * nobody knows.
 */
export const filesOf = ({ type, content }: Pick<RoomEvent, 'type' | 'content'>): Mxc[] => {
  if (!TYPES_WITH_FILES.some(each => each === type)) return []
  const info = member(content, 'info')
  const urls = [
    member(content, 'url'),
    member(member(content, 'file'), 'url'),
    member(info, 'thumbnail_url'),
    member(member(info, 'thumbnail_file'), 'url'),
  ]
  const files = urls.flatMap(url => (typeof url === 'string' ? (parseMxc(url) ?? []) : []))
  return [...new Map(files.map(file => [formatMxc(file), file])).values()]
}

const member = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  isJsonObject(value) ? value[name] : undefined
