import test from 'ava'
import { createRateLimiter } from '../../../http/rate-limit.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { countAnswered, StateWork } from './state-work.ts'

const setUp = () => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ 'federation-state': { perSecond: 10, burst: 20 } }, clock)
  const work = new StateWork()
  let found = 0
  const countFor = (server: string) => (units: number) => {
    if (units > 0) limiter.check('federation-state', server, units)
  }
  /** Has a state of so many events looked up. */
  const ask = (events: number, server = 'a.test') => {
    const find = async () => {
      found++
      return events
    }
    return work.run(server, countFor(server), find, one => one)
  }
  return { clock, ask, countFor, found: () => found }
}

test('who asks for much at once is given one thing, and nothing is looked up for the others', async t => {
  const { clock, ask, found } = setUp()
  const answers = await Promise.allSettled([ask(10_000), ask(10_000), ask(10_000), ask(50, 'b.test')])
  t.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  )
  t.is(found(), 2)
  await clock.advance(8_000)
  await t.throwsAsync(ask(10_000), { message: /Too many/ })
  await clock.advance(2_000)
  t.is(await ask(10_000), 10_000)
})

test('small rooms count as they always did', async t => {
  const { ask } = setUp()
  for (let n = 0; n < 20; n++) t.is(await ask(99), 99)
  await t.throwsAsync(ask(99))
})

test('what is answered in any case is counted where it can be, and refused to nobody', async t => {
  const { ask, countFor } = setUp()
  const count = countFor('a.test')
  countAnswered(count, 100_000)
  t.notThrows(() => countAnswered(count, 100_000))
  await t.throwsAsync(ask(1))
})
