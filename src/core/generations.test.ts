import test from 'ava'
import { Generations } from './generations.ts'

const make = (max: number) => {
  const tally = { hits: 0, misses: 0 }
  return { tally, cache: new Generations<string, string>({ max, size: value => value.length, tally }) }
}

test('what is asked for stays, and what is not is forgotten', t => {
  const { cache, tally } = make(8)
  for (const key of ['a', 'b', 'c', 'd']) cache.set(key, key)
  cache.set('e', 'e')
  t.is(cache.get('a'), 'a', 'of the old generation')
  for (const key of ['f', 'g', 'h']) cache.set(key, key)
  t.is(cache.get('a'), 'a', 'still there, since it was asked for')
  t.is(cache.get('b'), undefined)
  t.deepEqual(tally, { hits: 2, misses: 1 })
})

test('it never holds more than it may', t => {
  const { cache } = make(10)
  for (let n = 0; n < 100; n++) {
    cache.set(`${n % 13}`, 'x'.repeat(1 + (n % 4)))
    cache.get(`${n % 7}`)
    if (n % 5 === 0) cache.delete(`${n % 11}`)
    t.true(cache.held <= 10)
  }
  t.true(cache.held > 0)
})

test('what is set anew or deleted is not found as it was before', t => {
  const { cache } = make(4)
  cache.set('a', 'a')
  cache.set('b', 'b')
  cache.set('c', 'c')
  cache.set('a', 'z')
  t.is(cache.get('a'), 'z')
  cache.set('b', 'too long')
  t.is(cache.get('b'), undefined)
  cache.set('c', 'c')
  cache.delete('c')
  t.is(cache.get('c'), undefined)
  cache.clear()
  t.is(cache.get('a'), undefined)
  t.is(cache.held, 0)
})
