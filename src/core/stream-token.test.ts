import test from 'ava'
import fc from 'fast-check'
import { formatStreamToken, parseStreamToken, STREAM_LETTERS, type StreamToken } from './stream-token.ts'

const tokens = fc.dictionary(
  fc.constantFrom(...Object.keys(STREAM_LETTERS)),
  fc.maxSafeInteger(),
) as fc.Arbitrary<StreamToken>

test('every token is read back as it was', t => {
  fc.assert(
    fc.property(tokens, token => {
      t.deepEqual({ ...parseStreamToken(formatStreamToken(token)) }, { ...token })
    }),
  )
})

test('letters are distinct', t => {
  const letters = Object.values(STREAM_LETTERS)
  t.is(new Set(letters).size, letters.length)
})

test('what is no token is refused, streams of other times are skipped', t => {
  for (const text of [
    '',
    's0.e1',
    'e1',
    's1.e',
    's1.e1.5',
    's1.ee1',
    's1.e1e5',
    `s1.e${'9'.repeat(16)}`,
    's72594',
    's123_17_338_6732_1_1_2_3_4_1_5',
    't5_1',
    's1.5_7',
    `s${'9'.repeat(12)}_1`,
  ]) {
    t.is(parseStreamToken(text), undefined, text)
  }
  t.deepEqual(parseStreamToken('s1.e5.z9'), { events: 5 })
  t.deepEqual(parseStreamToken('s1'), {})
})

test('any text is read without failing', t => {
  fc.assert(fc.property(fc.string(), text => t.notThrows(() => parseStreamToken(text))))
})
