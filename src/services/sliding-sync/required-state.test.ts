import test from 'ava'
import { RequiredState, requiredStateOfPairs } from './required-state.ts'

const ME = '@me:x'
const of = (...pairs: [string, string][]): RequiredState => requiredStateOfPairs(pairs, ME)

test('types and state keys match exactly, or any with *', t => {
  const wanted = of(['m.room.create', ''], ['m.room.member', '$ME'], ['m.space.child', '*'], ['*', '@you:x'])
  const matches: [string, string, boolean][] = [
    ['m.room.create', '', true],
    ['m.room.create', 'x', false],
    ['m.room.member', ME, true],
    ['m.room.member', '@other:x', false],
    ['m.space.child', '!any', true],
    ['org.any', '@you:x', true],
    ['m.room.topic', '', false],
  ]
  for (const [type, key, expected] of matches) t.is(wanted.matches(type, key), expected, `${type} ${key}`)
  t.deepEqual(wanted.memberKeys, [ME, '@you:x'])
  t.deepEqual([wanted.anyType, wanted.allMembers, wanted.lazyMembers], [true, false, false])
})

test('lazily loaded members only come by their own keys, unless another rule wants all', t => {
  const lazy = of(['*', '*'], ['m.room.member', '$LAZY'], ['m.room.member', '$ME'])
  t.deepEqual([lazy.lazyMembers, lazy.allMembers], [true, false])
  t.true(lazy.matches('m.room.topic', ''))
  t.true(lazy.matches('m.room.member', ME))
  t.false(lazy.matches('m.room.member', '@other:x'))
  const named = of(['m.room.member', '*'], ['m.room.member', '$LAZY'], ['m.room.member', '$ME'])
  t.deepEqual([named.matches('m.room.member', ME), named.matches('m.room.member', '@other:x')], [true, false])
  const both = RequiredState.union([lazy, of(['m.room.member', '*'])])
  t.deepEqual([both.lazyMembers, both.allMembers], [false, true])
  t.true(both.matches('m.room.member', '@other:x'))
})

test('rules that say the same are one', t => {
  const rules = Array.from({ length: 100 }, () => of(['a', ''], ['m.room.member', '$LAZY'], ['a', '']))
  const union = RequiredState.union([...rules, of(['b', '*'], ['b', 'x'])])
  t.is(union.size, 3)
  t.is(union.key, RequiredState.union([rules[0] ?? of(), of(['b', '*'], ['b', 'x'])]).key)
  t.true(union.matches('b', 'any'))
  t.deepEqual([union.matches('a', ''), union.matches('a', 'x'), union.lazyMembers], [true, false, true])
})

test('thousands of elements are not gone through for each event', t => {
  const many = (type: string) => Array.from({ length: 50_000 }, (_, n): [string, string] => [type, String(n)])
  const [some, others] = [of(...many('a')), of(...many('a'), ['m.room.member', '*'])]
  for (let n = 0; n < 50_000; n++) if (!others.matches('m.room.member', `@${n}:x`)) t.fail()
  for (let n = 0; n < 5_000; n++) if (!others.asksForMoreThan(some)) t.fail()
  t.false(others.matches('b', ''))
})

test('whether one asks for more than another', t => {
  const [less, more] = [of(['a', '']), of(['a', ''], ['b', ''])]
  t.true(more.asksForMoreThan(less))
  t.false(less.asksForMoreThan(more))
  t.true(less.asksForMoreThan(undefined))
  t.true(of(['a', ''], ['m.room.member', '$LAZY']).asksForMoreThan(less))
  t.is(RequiredState.union([more, less, more]).key, RequiredState.union([less, more]).key)
})
