import type { RoomEvent } from './event/event.ts'
import { isJsonObject, type JsonValue } from './json.ts'
import { formatMxc, type Mxc, parseMxc } from './media.ts'

/** The events that show files as their own, and give them up when they are redacted: messages of all kinds, and stickers. */
const TYPES_WITH_FILES = ['m.room.message', 'm.sticker'] as const

/**
 * The files that a message shows (client-server API, "Instant messaging" and "Sticker messages"), each once: `url` and
 * `info.thumbnail_url`, or `file` and `info.thumbnail_file` where they are encrypted. What is inside an encrypted event
 * nobody knows.
 */
export const filesOf = ({ type, content }: Pick<RoomEvent, 'type' | 'content'>): Mxc[] => {
  return TYPES_WITH_FILES.some(each => each === type) ? filesShownBy(content) : []
}

/** The same of an event of whatever type that shows files as messages do, such as the picture of a room (`m.room.avatar`). */
export const filesShownBy = (content: RoomEvent['content']): Mxc[] => {
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

/** Of one event; a pack of stickers may name very many. */
const MAX_NAMED = 2_000

/**
 * All files that a JSON text names, wherever, each once: also packs of stickers, pictures within formatted texts, and what clients of
 * tomorrow put into events. A message of somebody's own is not the only place where a file is of use.
 */
export const filesNamedIn = (json: string): Mxc[] => {
  const files = new Map<string, Mxc>()
  for (const [uri] of json.matchAll(/mxc:\/\/[^/"\\\s]{1,255}\/[A-Za-z0-9_-]{1,255}/g)) {
    const file = parseMxc(uri)
    if (file !== undefined) files.set(uri, file)
    if (files.size === MAX_NAMED) break
  }
  return [...files.values()]
}

const member = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  isJsonObject(value) ? value[name] : undefined
