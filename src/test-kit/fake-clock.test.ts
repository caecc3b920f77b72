import test from 'ava'
import { FakeClock } from './fake-clock.ts'

test('sleepers wake at their own instants, in order, and those they lead to as well', async t => {
  const clock = new FakeClock(1000)
  const seen: [string, number][] = []
  const note = (name: string) => seen.push([name, clock.now()])
  void clock.sleep(20).then(() => note('second'))
  void clock.sleep(10).then(async () => {
    note('first')
    await clock.sleep(15)
    note('third')
    await clock.sleep(100)
    note('too late')
  })
  void clock.sleep(20).then(() => note('second too'))
  await clock.advance(50)
  t.deepEqual(seen, [
    ['first', 1010],
    ['second', 1020],
    ['second too', 1020],
    ['third', 1025],
  ])
  t.is(clock.now(), 1050)
  t.is(clock.sleeping, 1)
})

test('a sleep ends with its signal', async t => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const sleeping = clock.sleep(10, stop.signal)
  stop.abort(new Error('enough'))
  await t.throwsAsync(sleeping, { message: 'enough' })
  await t.throwsAsync(clock.sleep(10, stop.signal), { message: 'enough' })
  t.is(clock.sleeping, 0)
})
