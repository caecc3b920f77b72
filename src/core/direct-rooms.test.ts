import test from 'ava'
import fc from 'fast-check'
import {
  bestOf,
  type DirectClaim,
  directContent,
  directKeyOf,
  isPreferred,
  mayReplace,
  pairOf,
} from './direct-rooms.ts'

test('a pair is the same whoever asks, and sorted by bytes', t => {
  t.deepEqual(pairOf('@b:x', '@a:x'), { low: '@a:x', high: '@b:x' })
  t.deepEqual(pairOf('@a:x', '@b:x'), pairOf('@b:x', '@a:x'))
  // By UTF-16 units the emoji would stand before U+FF5E; by bytes it comes after.
  t.deepEqual(pairOf('@\u{1f600}:x', '@\uff5e:x'), { low: '@\uff5e:x', high: '@\u{1f600}:x' })
})

test('the key is read back from a create event, and nothing else is a key', t => {
  const pair = pairOf('@a:x', '@b:y')
  t.deepEqual(directKeyOf({ room_version: '12', ...directContent(pair, 3) }), { pair, generation: 3 })
  for (const key of [
    { users: ['@b:y', '@a:x'], generation: 1 },
    { users: ['@a:x', '@a:x'], generation: 1 },
    { users: ['@a:x', '@b:y', '@c:y'], generation: 1 },
    { users: ['@a:x', 'b'], generation: 1 },
    { users: ['@a:x', '@b:y'], generation: 0 },
    { users: ['@a:x', '@b:y'], generation: 1e9 },
    { users: ['@a:x', '@b:y'] },
    'both',
  ])
    t.is(directKeyOf({ 'chat.tessera.direct': key }), undefined, JSON.stringify(key))
})

test('of several rooms of a pair, every server prefers the same one, in whatever order it hears of them', t => {
  const claim: fc.Arbitrary<DirectClaim> = fc.record({
    roomId: fc.constantFrom('!1', '!2', '!3', '!4', '!5'),
    generation: fc.integer({ min: 0, max: 3 }),
    maker: fc.constantFrom('@a:x', '@b:y'),
  })
  const claims = fc.uniqueArray(claim, { selector: ({ roomId }) => roomId, minLength: 1 })
  const chosen = ([first, ...others]: readonly DirectClaim[]) =>
    others.reduce((best, one) => (best !== undefined && isPreferred(one, best) ? one : best), first)
  fc.assert(
    fc.property(
      claims.chain(rooms =>
        fc.tuple(
          fc.constant(rooms),
          fc.shuffledSubarray(rooms, { minLength: rooms.length, maxLength: rooms.length }),
        ),
      ),
      ([rooms, heard]) => chosen(rooms)?.roomId === chosen(heard)?.roomId,
    ),
  )
  t.pass()
})

test('of several rooms that one of a pair has made, the last is theirs, and takes the place of one that is gone', t => {
  const room = (roomId: string, generation = 1, maker = '@a:x'): DirectClaim => ({
    roomId,
    generation,
    maker,
  })
  for (const [newer, older] of [
    [room('!1'), room('!2')],
    [room('!2'), room('!1')],
  ] as const) {
    t.is(bestOf([newer, older]), newer)
    t.true(mayReplace(newer, older))
  }
  const [early, late] = [room('!1', 1, '@b:y'), room('!2', 2)]
  t.is(bestOf([early, late]), late)
  t.is(bestOf([]), undefined)
  t.false(mayReplace(early, late))
  t.false(mayReplace(early, room('!3')), 'that of who sorts first stays')
  t.false(mayReplace(early, early))
  t.true(mayReplace(room('!0', 0), late))
})
