import test from 'ava'
import { MAIL_LANGUAGES, mailWords } from './index.ts'

test('the first language that there are words for is taken', t => {
  const chosen = (wanted: string[]) => mailWords(wanted, 'en').lang
  t.is(chosen(['de']), 'de')
  t.is(chosen(['pt-BR', 'fr_CA', 'es']), 'fr')
  t.is(chosen(['ES-419']), 'es')
  t.is(chosen(['den', '', 'constructor', 'x'.repeat(10_000)]), 'en')
  t.is(mailWords([], 'es').lang, 'es')
})

/** All texts of a table, made with names that can be found again; one and several of what is counted. */
const textsOf = (words: object): string[] =>
  Object.entries(words).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'string') return [value]
    if (typeof value !== 'function') return textsOf(value as object)
    if (name === 'asked') return ['register', 'add', 'password'].map(purpose => String(value('x', purpose)))
    return [1, 7].map(count => String(value(count, count)))
  })

test('every language says everything, in words of its own', t => {
  const english = textsOf(mailWords([], 'en'))
  for (const language of MAIL_LANGUAGES.filter(one => one !== 'en')) {
    const texts = textsOf(mailWords([], language))
    t.is(texts.length, english.length)
    t.true(texts.every(text => text.trim() !== '' && !text.includes('undefined')))
    t.deepEqual(
      texts.filter(text => english.includes(text)),
      [],
      language,
    )
  }
})
