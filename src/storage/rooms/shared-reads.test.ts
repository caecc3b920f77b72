import test from 'ava'
import { SharedReads } from './shared-reads.ts'

test('what somebody is reading already is not read again, unless something has changed', async t => {
  const asked: (readonly number[])[] = []
  const answers: (() => void)[] = []
  const reads = new SharedReads<number, number>()
  const read = (keys: readonly number[]): Promise<readonly number[]> => {
    asked.push(keys)
    return new Promise(resolve => answers.push(() => resolve(keys)))
  }
  const found = [reads.all([1, 2], 'a', read), reads.all([2, 3], 'a', read), reads.all([1, 3], 'a', read)]
  const later = reads.all([1], 'b', read)
  t.deepEqual(asked, [[1, 2], [3], [1]])
  for (const answer of answers) answer()
  t.deepEqual(await Promise.all(found), [
    [1, 2],
    [1, 2, 3],
    [1, 2, 3],
  ])
  t.deepEqual(await later, [1])
  void reads.all([1], 'b', read)
  t.is(asked.length, 4, 'what has been answered is asked anew')
})

test('what fails fails for all who wait for it, and is tried again by who comes after them', async t => {
  const reads = new SharedReads<number, number>()
  const refuse = () => Promise.reject(new Error('gone'))
  const both = [reads.all([1], '', refuse), reads.all([1], '', refuse)]
  for (const each of both) await t.throwsAsync(each, { message: 'gone' })
  t.deepEqual(await reads.all([1], '', async keys => keys), [1])
})
