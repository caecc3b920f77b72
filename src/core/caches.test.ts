import test from 'ava'
import {
  boundedCache,
  CACHES,
  cacheFigures,
  cacheLimit,
  DEFAULT_CACHE_BUDGET,
  setCacheBudget,
} from './caches.ts'

test('the shares of all caches are the budget', t => {
  t.is(
    Object.values(CACHES).reduce((sum, { share }) => sum + share, 0),
    1000,
  )
})

test.serial('a budget bounds what caches hold', t => {
  t.teardown(() => setCacheBudget(DEFAULT_CACHE_BUDGET))
  setCacheBudget(1_000_000)
  t.is(cacheLimit('events'), 70, '140 kB of 2 kB each')
  t.is(cacheLimit('newest_of_users'), 16, 'six of them divide 10 kB')
  const heads = boundedCache<string, { size: number }>('room_heads', { size: ({ size }) => size })
  const before = cacheFigures().find(({ name }) => name === 'room_heads')
  heads.set('a', { size: 400 })
  heads.set('b', { size: 150 })
  t.truthy(heads.get('a'))
  heads.set('c', { size: 100 })
  t.is(heads.get('b'), undefined, 'used least lately')
  heads.set('d', { size: 601 })
  const after = cacheFigures().find(({ name }) => name === 'room_heads')
  t.is((after?.entries ?? 0) - (before?.entries ?? 0), 500, 'what is larger than all of it is not kept')
  t.is((after?.bytes ?? 0) - (before?.bytes ?? 0), 250_000)
  t.is((after?.hits ?? 0) - (before?.hits ?? 0), 1)
  t.is((after?.misses ?? 0) - (before?.misses ?? 0), 1)
  t.is(after?.maxBytes, 300_000)
  t.true(heads.has('a') && heads.has('c'))
})

test.serial('what takes much more than others counts as so many of them', t => {
  t.teardown(() => setCacheBudget(DEFAULT_CACHE_BUDGET))
  setCacheBudget(1_000_000)
  const events = boundedCache<number, string>('events', { bytes: text => text.length })
  for (let n = 0; n < 70; n++) events.set(n, 'short')
  t.is(events.size, 70)
  events.set(70, 'x'.repeat(20_000))
  t.is(events.size, 61, 'ten make room')
})
