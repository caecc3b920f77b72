import test from 'ava'
import {
  formatSpans,
  type IgnoredSpans,
  ignoredBy,
  parseSpans,
  spansAfter,
  wasMissed,
} from './ignored-spans.ts'

const NOBODY = new Set<string>()
const EVE = new Set(['@eve:x'])

test('what was said is missed from the list’s naming of somebody until it no longer does', t => {
  let spans: IgnoredSpans = new Map()
  const change = (before: ReadonlySet<string>, after: ReadonlySet<string>, position: number): void => {
    spans = parseSpans(formatSpans(spansAfter(spans, { before, after, position })))
  }
  const missed = () => [3, 4, 5, 7, 8, 9].filter(position => wasMissed(spans, '@eve:x', position))
  change(NOBODY, EVE, 3)
  t.deepEqual(missed(), [], 'whoever is ignored still is not one whom one has missed')
  change(EVE, new Set([...EVE, '@bob:x']), 4)
  change(new Set([...EVE, '@bob:x']), new Set(['@bob:x']), 5)
  t.deepEqual(missed(), [4, 5])
  change(new Set(['@bob:x']), new Set([...EVE, '@bob:x']), 7)
  change(new Set([...EVE, '@bob:x']), NOBODY, 8)
  t.deepEqual(missed(), [8], 'the last time counts')
  t.true(wasMissed(spans, '@bob:x', 8))
})

test('a list from before spans were kept counts from the beginning; what is remembered has a bound', t => {
  const known = spansAfter(new Map(), { before: EVE, after: NOBODY, position: 9 })
  t.true(wasMissed(known, '@eve:x', 1))
  const many = new Set(Array.from({ length: 150 }, (_, n) => `@u${n}:x`))
  t.is(spansAfter(known, { before: many, after: NOBODY, position: 10 }).size, 100)
  t.deepEqual(ignoredBy('@me:x', { ignored_users: { '@me:x': {}, '@eve:x': {} } }), EVE)
  t.deepEqual(ignoredBy('@me:x', { ignored_users: ['@eve:x'] }), NOBODY)
})
