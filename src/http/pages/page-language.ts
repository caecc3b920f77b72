import type { MailLanguage } from '../../core/mail-words/index.ts'
import { type PageWords, pageWords } from '../../core/page-words/index.ts'
import type { PageContext } from '../pages.ts'

/** What pages need to know that speak the language of whoever looks at them. */
export interface LanguageOptions {
  /** Where a browser wants none of the languages that there are. */
  readonly language: MailLanguage
}

/** The words of the language that a browser likes best. */
export const wordsOf = (context: PageContext, { language }: LanguageOptions): PageWords =>
  pageWords(context.get('Accept-Language') ?? '', language)
