/** What the page at `/` says. */
import test from 'ava'
import { english } from '../web/english.ts'
import { french } from '../web/french.ts'
import { german } from '../web/german.ts'
import { spanish } from '../web/spanish.ts'
import { wordsFor } from '../web/words.ts'

/** All texts of a table by where they stand, made with names that can be found again. */
const textsOf = (words: object, where = ''): [string, string][] =>
  Object.entries(words).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    if (typeof value === 'object' && value !== null) return textsOf(value, `${where}${key}.`)
    const text: unknown = typeof value === 'function' ? value(key === 'typing' ? ['x'] : 'x', 'y') : value
    return [[`${where}${key}`, String(text)]]
  })

test('the page says everything in every language', t => {
  const keys = textsOf(english).map(([key]) => key)
  for (const words of [german, french, spanish]) {
    const texts = textsOf(words)
    t.deepEqual(
      texts.map(([key]) => key),
      keys,
    )
    for (const [key, text] of texts) t.true(text.trim() !== '' && !text.includes('undefined'), key)
    for (const [key, text] of textsOf(english))
      if (text.includes('x')) t.true(new Map(texts).get(key)?.includes('x') !== false, `${words.lang} ${key}`)
  }
})

test('it is the first that the reader has asked for, of those that there are', async t => {
  t.is(await wordsFor(['nl', 'de-AT', 'fr']), german)
  t.is(await wordsFor(['FR']), french)
  t.is(await wordsFor(['es-419']), spanish)
  t.is(await wordsFor(['nl', 'constructor']), english)
  t.is(await wordsFor([]), english)
})
