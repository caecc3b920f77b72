import test from 'ava'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { persevere } from './persevere.ts'

test('an attempt is made until it succeeds, or nobody wants it any more', async t => {
  const clock = new FakeClock()
  const began = clock.now()
  const tried: number[] = []
  const stop = new AbortController()
  const failures: unknown[] = []
  const until = (success: number) =>
    persevere(
      async () => {
        tried.push((clock.now() - began) / 1_000)
        if (tried.length < success) throw new Error(`${tried.length}`)
      },
      { clock, signal: stop.signal, failed: error => failures.push(error) },
    )
  const done = until(4)
  await clock.advance(7_000)
  await done
  t.deepEqual(tried, [0, 1, 3, 7])
  t.is(failures.length, 3)
  const never = until(100)
  await clock.advance(1_000)
  stop.abort()
  await never
  t.is(tried.length, 6)
  t.is(clock.sleeping, 0)
})
