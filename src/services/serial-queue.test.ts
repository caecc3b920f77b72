import test from 'ava'
import { SerialQueue } from './serial-queue.ts'

test('a job that is done at once is answered at once, unless others come before it', async t => {
  const queue = new SerialQueue()
  const done: string[] = []
  const note = (name: string) => () => {
    done.push(name)
    return name
  }
  t.is(queue.run('room', note('at once')), 'at once')
  t.is(queue.size, 0)
  const waiting = Promise.withResolvers<void>()
  const slow = queue.run('room', () => waiting.promise)
  const after = queue.run('room', note('after it'))
  t.is(queue.run('another', note('beside it')), 'beside it')
  waiting.resolve()
  await slow
  t.is(await after, 'after it')
  t.deepEqual(done, ['at once', 'beside it', 'after it'])
  await Promise.resolve()
  t.is(queue.size, 0)
})

test('a job that throws at once, or fails, holds up nobody', async t => {
  const queue = new SerialQueue()
  const throws = (): string => {
    throw new Error('no')
  }
  t.throws(() => queue.run('room', throws))
  const failing = queue.run('room', async () => throws())
  const after = queue.run('room', () => 'after it')
  await t.throwsAsync(failing)
  t.is(await after, 'after it')
})
