import test from 'ava'
import { Waits } from './waiting.ts'

test('what takes too long is told once, with where it was asked for and the state of things', async t => {
  const told: string[] = []
  let now = 0
  const waits = new Waits(
    text => told.push(text),
    () => now,
  )
  const stop = waits.describe(async () => 'all is well')
  const { promise, resolve } = Promise.withResolvers<string>()
  const waiting = waits.for('an answer', promise)
  await t.throwsAsync(waits.for('a refusal', Promise.reject(new Error('no'))), { message: 'no' })
  now = 59_000
  await waits.look()
  t.deepEqual(told, [])
  now = 61_000
  await waits.look()
  await waits.look()
  t.is(told.length, 2)
  t.regex(told[0] ?? '', /^waiting for 61 s: an answer\n.*waiting\.test\.ts/)
  t.is(told[1], 'all is well')
  resolve('yes')
  t.is(await waiting, 'yes')
  stop()
  waits.describe(() => Promise.reject(new Error('closed')))
  void waits.for('nothing more', new Promise(() => {}))
  now = 200_000
  await waits.look()
  t.regex(told.slice(2).join(), /^waiting for 139 s: nothing more.*closed$/s)
})
