import { MAIL_LANGUAGES, type MailLanguage } from '../mail-words/index.ts'
import { english } from './english.ts'
import { french } from './french.ts'
import { german } from './german.ts'
import { spanish } from './spanish.ts'
import type { PageWords } from './words.ts'

export type { PageWords } from './words.ts'

const TABLE: Readonly<Record<MailLanguage, PageWords>> = {
  en: english,
  de: german,
  fr: french,
  es: spanish,
}

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
      return { language: tag.trim().split('-', 1)[0] ?? '', quality: Number(quality?.trim().slice(2) ?? 1) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ language }) => MAIL_LANGUAGES.find(known => known === language))
  return TABLE[wanted.find(language => language !== undefined) ?? fallback]
}
