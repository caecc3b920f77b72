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
  fc.assert(
    fc.property(pieces, text, (pattern, value) => {
      const source = pattern.map(one => (one === '*' ? '[^]*' : one === '?' ? '[^]' : one))
      const oracle = new RegExp(`(?<![A-Za-z0-9_])${source.join('')}(?![A-Za-z0-9_])`, 'u')
      t.is(globMatchesWords(compileGlob(pattern.join('')), value.join('')), oracle.test(value.join('')))
    }),
    { numRuns: randomRuns(300) },
  )
})
