import test from 'ava'
import { SentMembers } from './lazy-members.ts'

const ann = { userId: '@ann:x', nid: 7 }

test('a member counts as sent once the device has come back with the token of that response', t => {
  const sent = new SentMembers()
  sent.remember('d', 1, [ann], 50)
  t.false(sent.has('d', 1, ann, 49), 'the response may have been lost')
  t.true(sent.has('d', 1, ann, 50))
  t.false(sent.has('d', 1, { ...ann, nid: 8 }, 50), 'it has changed since')
  t.false(sent.has('d', 2, ann, 50))
  t.false(sent.has('e', 1, ann, 50))
})

test('what was sent twice counts from the first time', t => {
  const sent = new SentMembers()
  sent.remember('d', 1, [ann], 50)
  sent.remember('d', 1, [ann], 60)
  t.true(sent.has('d', 1, ann, 50))
  sent.remember('d', 1, [{ ...ann, nid: 8 }], 70)
  t.false(sent.has('d', 1, { ...ann, nid: 8 }, 60))
})

test('a device that starts from scratch has nothing', t => {
  const sent = new SentMembers()
  sent.remember('d', 1, [ann], 50)
  sent.forget('d')
  t.false(sent.has('d', 1, ann, 99))
})

test('a room whose state is told anew begins anew, and may be remembered by the device', t => {
  const sent = new SentMembers()
  sent.remember('d', 1, [ann], 50)
  sent.remember('d', 2, [ann], 50)
  sent.doubtRoom('d', 1)
  sent.doubtRoom('d', 3)
  t.deepEqual([sent.has('d', 1, ann, 99), sent.has('d', 2, ann, 99), sent.held], [false, true, 2])
  t.is(sent.toldAt('d', 1, ann.userId, 99), undefined)
  t.deepEqual([...sent.ofRoom('d', 1)], [[ann.userId, ann.nid]])
  sent.remember('d', 1, [ann], 60)
  t.deepEqual([sent.has('d', 1, ann, 59), sent.has('d', 1, ann, 60)], [false, true])
})

test('memory is bounded: the device that was here longest ago is forgotten first', t => {
  const sent = new SentMembers({ max: 10 })
  const members = (room: number) =>
    Array.from({ length: 4 }, (_, n) => ({ userId: `@${n}:x`, nid: room * 10 + n }))
  sent.remember('a', 1, members(1), 1)
  sent.remember('b', 1, members(1), 1)
  sent.remember('a', 1, members(1), 2)
  sent.remember('c', 1, members(1), 3)
  const has = (device: string) => sent.has(device, 1, { userId: '@0:x', nid: 10 }, 9)
  t.deepEqual(['a', 'b', 'c'].map(has), [true, false, true])
})
