import test from 'ava'
import { systemClock } from './system-clock.ts'

test('who sleeps for longer than timers can does not wake at once', async t => {
  const waking = new AbortController()
  const sleeping = systemClock.sleep(30 * 86_400_000, waking.signal)
  // What ends at once ends before a sleep that begins after it.
  await systemClock.sleep(20)
  waking.abort()
  await t.throwsAsync(sleeping, { name: 'AbortError' })
})
