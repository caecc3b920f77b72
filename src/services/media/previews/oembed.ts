import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { JsonParseError, parseJson } from '../../../core/parse-json.ts'
import { decodeEntities } from './entities.ts'

/** The type of the documents, also the one that some sites still say. */
export const OEMBED_TYPES = ['application/json+oembed', 'text/json+oembed'] as const

const MAX_TEXT = 2_000

/** What a page offers for embedding, in Open Graph's words; the picture as a link. */
export interface Embedded {
  readonly members: Readonly<Record<string, string>>
  readonly image: string | undefined
}

const NOTHING: Embedded = { members: {}, image: undefined }

/**
 * Reads an oEmbed document (version 1.0, https://oembed.com): who made what, and how it looks. Its `html` is for pages
 * that trust its provider, and is not looked at. Nothing is known where the document is none.
 */
export const readOembed = (text: string): Embedded => {
  const document = parsed(text)
  if (document === undefined || !/^1(\.0)?$/.test(String(document['version'] ?? '1.0'))) return NOTHING
  const of = (name: string, read = (text: string) => text): string | undefined => {
    const value = document[name]
    const line =
      typeof value === 'string'
        ? read(value).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_TEXT).toWellFormed()
        : ''
    return line === '' ? undefined : line
  }
  // Many sites write for pages: "Tom &#038; Jerry".
  const shown = (name: string): string | undefined => of(name, decodeEntities)
  const members = {
    'og:title': shown('title'),
    'og:site_name': shown('provider_name'),
    'article:author': shown('author_name'),
    'og:type': document['type'] === 'video' ? 'video.other' : undefined,
  }
  const photo = document['type'] === 'photo' ? of('url') : undefined
  return {
    members: Object.fromEntries(
      Object.entries(members).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
    ),
    image: photo ?? of('thumbnail_url'),
  }
}

const parsed = (text: string): JsonObject | undefined => {
  try {
    const value = parseJson(text, { maxDepth: 20 })
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof JsonParseError) return undefined
    throw error
  }
}
