import test from 'ava'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { Postponed } from './postponed.ts'

test('the same event may be put off more than once, as others send it, but no more often than others', async t => {
  const clock = new FakeClock()
  const due: string[] = []
  const postponed = new Postponed<{ key: string; attempt: number; origin: string }>(clock, ({ origin }) =>
    due.push(origin),
  )
  t.teardown(() => postponed.close())
  const put = (origin: string) => postponed.add({ key: 'same', attempt: 0, origin })
  t.true(put('a.test'))
  await clock.advance(5_000)
  t.true(put('b.test'))
  await clock.advance(5_000)
  t.deepEqual(due, ['a.test'])
  t.true(postponed.has({ key: 'same' }), 'the other one still is')
  await clock.advance(5_000)
  t.deepEqual(due, ['a.test', 'b.test'])
  t.false(postponed.has({ key: 'same' }))
  const taken = (origin: string): number =>
    Array.from({ length: 2_001 }, () => put(origin)).filter(Boolean).length
  t.is(taken('flood.test'), 500, 'one server leaves room for others')
  t.true(put('a.test'))
  const rest = ['b.test', 'c.test', 'd.test', 'e.test'].map(taken)
  t.is(
    rest.reduce((sum, count) => sum + count),
    1_499,
    'memory has a bound, whatever is sent',
  )
})
