/** What the content repository (client-server API, "Content repository") says about names and types of files. */
import { isServerName } from './ids.ts'

/** A file: `mxc://<origin>/<mediaId>`. */
export interface Mxc {
  readonly origin: string
  readonly mediaId: string
}

/** "allowing only alphanumeric (`A-Za-z0-9`), `_` and `-` characters in the `media-id` segment" */
export const isMediaId = (text: string): boolean => /^[A-Za-z0-9_-]{1,255}$/.test(text)

/** Reads an `mxc://` URI; `undefined` where it is none. A fragment, as old clients append, is ignored. */
export const parseMxc = (uri: string): Mxc | undefined => {
  const [, origin, mediaId] = /^mxc:\/\/([^/]{1,255})\/([A-Za-z0-9_-]{1,255})(?:#.*)?$/.exec(uri) ?? []
  if (origin === undefined || mediaId === undefined || !isServerName(origin)) return undefined
  return { origin, mediaId }
}

export const formatMxc = ({ origin, mediaId }: Mxc): string => `mxc://${origin}/${mediaId}`

/** "Serving inline content": types that no browser will run as part of a page. */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  ...['text/css', 'text/plain', 'text/csv', 'application/json', 'application/ld+json'],
  ...['image/jpeg', 'image/gif', 'image/png', 'image/apng', 'image/webp', 'image/avif'],
  ...['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime'],
  ...['audio/mp4', 'audio/webm', 'audio/aac', 'audio/mpeg', 'audio/ogg', 'audio/wave', 'audio/wav'],
  ...['audio/x-wav', 'audio/x-pn-wav', 'audio/flac', 'audio/x-flac'],
])

/** The type without its parameters, in lower case: `Text/Plain; charset=x` → `text/plain`. */
export const essenceOf = (contentType: string): string =>
  (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()

export const mayBeInline = (contentType: string): boolean => INLINE_TYPES.has(essenceOf(contentType))

export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const CONTENT_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[\\t ]*;[\\t -~]*)?$`)

/**
 * A content type as it was given, where it can be sent again; else the type of unknown bytes. "Defaults to
 * `application/octet-stream` if it is not set."
 */
export const contentTypeOf = (header: string | undefined): string => {
  const text = header?.trim() ?? ''
  return text.length <= 255 && CONTENT_TYPE.test(text) ? text : DEFAULT_CONTENT_TYPE
}

/**
 * The content type that goes out: "adding a charset to `text/*` content types" is "reasonably close" to what was uploaded. Without
 * one, and forbidden to look, browsers take what they show for windows-1252.
 */
export const servedContentType = (contentType: string): string =>
  contentType.includes(';') || !essenceOf(contentType).startsWith('text/') || !mayBeInline(contentType)
    ? contentType
    : `${contentType}; charset=utf-8`
