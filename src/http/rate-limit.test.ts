import test from 'ava'
import { createCallRate } from '../core/call-rate.ts'
import { MatrixError } from '../core/errors.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { createRateLimiter } from './rate-limit.ts'

const waitOf = (call: () => void): unknown => {
  try {
    call()
    return 0
  } catch (error) {
    return error instanceof MatrixError ? error.fields.retry_after_ms : error
  }
}

test('a burst at once, then the rate; refused calls do not count', async t => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ login: { perSecond: 2, burst: 3 } }, clock)
  const call = (key = 'a'): unknown => waitOf(() => limiter.check('login', key))
  t.deepEqual([call(), call(), call(), call(), call()], [0, 0, 0, 500, 500])
  t.is(call('b'), 0)
  await clock.advance(499)
  t.is(call(), 1)
  await clock.advance(1)
  t.deepEqual([call(), call()], [0, 500])
  await clock.advance(60_000)
  t.deepEqual([call(), call(), call(), call()], [0, 0, 0, 500])
})

test('a call that does the work of several counts as all of them', async t => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ invite: { perSecond: 1, burst: 3 } }, clock)
  const call = (calls: number): unknown => waitOf(() => limiter.check('invite', 'a', calls))
  t.deepEqual([call(10), call(1), call(10)], [0, 8_000, 8_000], 'it is let pass, and waited for afterwards')
  await clock.advance(8_000)
  t.deepEqual([call(1), call(1)], [0, 1_000])
})

test('what other processes let pass counts as well', t => {
  const clock = new FakeClock()
  const settings = { login: { perSecond: 1, burst: 4 } }
  const [one, other] = [createRateLimiter(settings, clock), createRateLimiter(settings, clock)]
  one.taken()
  for (let call = 0; call < 3; call++) one.check('login', 'alice')
  const taken = one.taken()
  t.deepEqual(taken, [{ name: 'login', key: 'alice', calls: 3 }])
  t.deepEqual(one.taken(), [])
  other.charge(taken)
  other.check('login', 'alice')
  t.is(
    waitOf(() => other.check('login', 'alice')),
    1_000,
  )
  other.check('login', 'bob')
  other.charge([{ name: 'login', key: 'bob', calls: 1_000 }])
  t.is(
    waitOf(() => other.check('login', 'bob')),
    1_000,
    'never longer than for a bucket that is full',
  )
})

test('a call that is taken back has never been', async t => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ ip: { perSecond: 1, burst: 2 } }, clock)
  const call = (): unknown => waitOf(() => limiter.check('ip', 'a'))
  limiter.taken()
  t.deepEqual([call(), call(), call()], [0, 0, 1_000])
  limiter.takeBack('ip', 'a')
  t.deepEqual(limiter.taken(), [{ name: 'ip', key: 'a', calls: 1 }], 'to other processes neither')
  t.deepEqual([call(), call()], [0, 1_000])
  limiter.takeBack('ip', 'a')
  t.deepEqual(limiter.taken(), [])
  await clock.advance(60_000)
  for (let nr = 0; nr < 5; nr++) limiter.takeBack('ip', 'a')
  t.deepEqual([call(), call(), call()], [0, 0, 1_000], 'nobody may call more for it')
})

test('a clock that is set back has nobody wait until it is again what it was', t => {
  const hour = 3_600_000
  const rate = createCallRate({ perSecond: 1, burst: 2 }, 10)
  t.deepEqual([rate('a', hour), rate('a', hour), rate('a', hour)], [0, 0, 1000])
  t.is(rate('a', 5), 1000, 'what was counted still counts')
  t.is(rate('a', 1005), 0)
  rate.charge('b', 9, 1005)
  t.is(rate('b', 500), 1000)
  t.is(rate('b', 1500), 0)
})

test('what is not set is not limited, and settings can change', t => {
  const limiter = createRateLimiter({ login: false }, new FakeClock())
  const call = (): unknown => waitOf(() => limiter.check('login', 'a'))
  t.deepEqual([call(), call(), waitOf(() => limiter.check('sync', 'a'))], [0, 0, 0])
  limiter.configure({ login: { perSecond: 1, burst: 1 } })
  t.deepEqual([call(), call()], [0, 1000])
})

test('memory is bounded; the key seen least recently is forgotten', t => {
  const limiter = createRateLimiter({ login: { perSecond: 1, burst: 2 } }, new FakeClock(), 2)
  const call = (key: string): unknown => waitOf(() => limiter.check('login', key))
  t.deepEqual([call('a'), call('b'), call('a'), call('c')], [0, 0, 0, 0])
  t.is(call('a'), 1000)
  t.deepEqual([call('b'), call('b'), call('b')], [0, 0, 1000])
})
