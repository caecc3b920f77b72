import type { MailLanguage } from '../mail-words/index.ts'
import { english } from './english.ts'
import type { PageWords } from './words.ts'

export type { PageWords } from './words.ts'

const TABLE: Readonly<Record<string, PageWords>> = { en: english }

/** Beyond this many nobody's browser asks. */
const MAX_WANTED = 20

/**
 * The words of the language that a browser likes best, of those that there are words for.
 *
 * @param accepted an `Accept-Language` header, such as `de-AT, de;q=0.9, en;q=0.8` (RFC 9110, 12.5.4)
 * @param fallback where it wants none of them
 */
export const pageWords = (accepted: string, fallback: MailLanguage): PageWords => {
  const wanted = accepted
    .split(',', MAX_WANTED)
    .map(range => {
      const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
      const quality = parameters.find(parameter => parameter.trim().startsWith('q='))
      return { language: tag.split('-', 1)[0] ?? '', quality: Number(quality?.trim().slice(2) ?? 1) }
    })
    .filter(({ language, quality }) => quality > 0 && Object.hasOwn(TABLE, language))
    .sort((a, b) => b.quality - a.quality)
  return TABLE[wanted[0]?.language ?? fallback] ?? english
}
