import test from 'ava'
import fc from 'fast-check'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { compileGlob } from '../glob.ts'
import { globMatchesWords } from './word-glob.ts'

test('words in a text are found as a plain expression finds them', t => {
  const pieces = fc.array(fc.constantFrom('a', 'b', '_', '-', ' ', '*', '?', '\u{1f600}', 'é'), {
    maxLength: 7,
  })
  const text = fc.array(fc.constantFrom('a', 'b', '_', '-', ' ', '\u{1f600}', 'é', '\n'), { maxLength: 12 })
  // What is long is gone through in another way.
  const before = fc.constantFrom('', '='.repeat(300))
  fc.assert(
    fc.property(pieces, text, before, (pattern, value, prefix) => {
      const source = pattern.map(one => (one === '*' ? '[^]*' : one === '?' ? '[^]' : one))
      const oracle = new RegExp(`(?<![A-Za-z0-9_])${source.join('')}(?![A-Za-z0-9_])`, 'u')
      const whole = `${prefix}${value.join('')}`
      t.is(globMatchesWords(compileGlob(pattern.join('')), whole), oracle.test(whole))
    }),
    { numRuns: randomRuns(600) },
  )
})

test('long stretches with question marks are found in long texts', t => {
  const stretch = (n: number, end: string): string => `${'a?'.repeat(n)}${end}`
  const text = `${'a'.repeat(60_000)} ${'aé'.repeat(40)}b`
  for (const n of [15, 16, 17, 31, 32, 33, 40, 41])
    for (const star of ['', '*']) {
      const isThere = n <= 40 || star === '*'
      t.is(globMatchesWords(compileGlob(`${star}${stretch(n, 'b')}`), text), isThere, `${star} ${n}`)
      t.false(globMatchesWords(compileGlob(`${star}${stretch(n, 'c')}`), text), `${star} ${n}`)
    }
  // Each of these places begins like it.
  for (let tried = 0; tried < 200; tried++) t.false(globMatchesWords(compileGlob(stretch(255, 'c')), text))
})
