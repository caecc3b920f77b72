import test from 'ava'
import { AtMost } from './at-most.ts'

test('so many works are under way at a time, and each has its turn', async t => {
  const turns = new AtMost(2)
  const { signal } = new AbortController()
  const done: number[] = []
  let working = 0
  let most = 0
  const work = (index: number) =>
    turns.run(signal, async () => {
      working += 1
      most = Math.max(most, working)
      await null
      working -= 1
      done.push(index)
      if (index === 3) throw new Error('fails')
      return index
    })
  const all = await Promise.allSettled([0, 1, 2, 3, 4, 5].map(work))
  t.deepEqual(done, [0, 1, 2, 3, 4, 5])
  t.is(most, 2)
  t.is(all.filter(({ status }) => status === 'rejected').length, 1)
  t.true(turns.isIdle)
})

test('who waits in vain gives the turn to the next', async t => {
  const turns = new AtMost(1)
  const first = Promise.withResolvers<void>()
  const { signal } = new AbortController()
  const gone = new AbortController()
  const held = turns.run(signal, () => first.promise)
  const given = turns.run(gone.signal, async () => t.fail())
  const last = turns.run(signal, async () => 'done')
  gone.abort(new Error('gone'))
  first.resolve()
  await held
  await t.throwsAsync(given, { message: 'gone' })
  t.is(await last, 'done')
  t.true(turns.isIdle)
})
