import test from 'ava'
import { MAIL_LANGUAGES } from '../mail-words/index.ts'
import { pageWords } from './index.ts'

test('a page speaks the language that the browser likes best, of those it can', t => {
  const chosen = (accepted: string) => pageWords(accepted, 'en').lang
  t.is(chosen('de-AT, de;q=0.9, en;q=0.8'), 'de')
  t.is(chosen('en;q=0.5, fr ; q=0.7'), 'fr')
  t.is(chosen('pt-BR, es;q=0.1'), 'es')
  t.is(chosen('de;q=0, *;q=0.5'), 'en')
  t.is(chosen('constructor, __proto__;q=1, x'.repeat(1000)), 'en')
  t.is(pageWords('', 'fr').lang, 'fr')
})

/** All texts of a table, made with a name that can be found again. */
const textsOf = (words: object): string[] =>
  Object.values(words).flatMap((value: unknown) => {
    if (typeof value === 'string') return [value]
    return typeof value === 'function' ? [String(value('x'))] : textsOf(value as object)
  })

test('every language says everything on pages, in words of its own', t => {
  const english = textsOf(pageWords('en', 'en'))
  for (const language of MAIL_LANGUAGES.filter(one => one !== 'en')) {
    const texts = textsOf(pageWords(language, 'en'))
    t.is(texts.length, english.length)
    t.true(texts.every(text => text.trim() !== '' && !text.includes('undefined')))
    t.deepEqual(
      texts.filter(text => english.includes(text)),
      [],
      language,
    )
  }
})
