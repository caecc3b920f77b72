import test from 'ava'
import { placesOf, Waits } from './waiting.ts'

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

test('a place in the tests is told from others by where it lies in the project, whatever that is called', t => {
  const root = 'file:///home/ann/scripts/my-tests/'
  const line = (place: string) => `    at ${root}${place}`
  const kit = line('src/test-kit/waiting.ts:31:52')
  const federation = line('federation-tests/a.ts:1:2')
  const unit = line('src/b.test.ts:3:4')
  t.is(placesOf(['Error: x', kit, federation, unit].join('\n'), root), `${federation}\n${unit}`)
  t.is(placesOf(`Error: x\n${kit}`, root), kit)
})
