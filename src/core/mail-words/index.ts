import { english } from './english.ts'
import { french } from './french.ts'
import { german } from './german.ts'
import { spanish } from './spanish.ts'
import type { MailWords } from './words.ts'

export type { MailWords } from './words.ts'

const TABLE = { en: english, de: german, fr: french, es: spanish } as const

/** A language in which e-mails can be written. */
export type MailLanguage = keyof typeof TABLE

export const MAIL_LANGUAGES = ['en', 'de', 'fr', 'es'] as const satisfies readonly MailLanguage[]

/**
 * The words of the first language that there are words for.
 *
 * @param wanted language tags as clients give them (`de`, `de-AT`, `fr_CA`), best first
 * @param fallback where none of them is known
 */
export const mailWords = (wanted: readonly string[], fallback: MailLanguage): MailWords => {
  for (const tag of wanted) {
    const [primary = ''] = tag.toLowerCase().split(/[-_]/, 1)
    const known = MAIL_LANGUAGES.find(language => language === primary)
    if (known !== undefined) return TABLE[known]
  }
  return TABLE[fallback]
}
