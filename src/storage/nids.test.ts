import test from 'ava'
import { bothDatabases, testDatabase } from '../test-kit/database.ts'
import { DatabaseUnavailable } from './database.ts'
import { NidAllocator } from './nids.ts'

const take = (allocator: NidAllocator, count: number): number[] =>
  Array.from({ length: count }, () => allocator.next())

bothDatabases(test, 'no two processes are given the same id', async (t, database) => {
  const [first, second] = await Promise.all([
    NidAllocator.open(database, 'event'),
    NidAllocator.open(database, 'event'),
  ])
  const other = await NidAllocator.open(database, 'room')
  const taken: number[] = []
  for (let round = 0; round < 5; round++) {
    await Promise.all([first.ensure(900), second.ensure(700)])
    taken.push(...take(first, 900), ...take(second, 700))
  }
  t.is(new Set(taken).size, taken.length)
  t.is(Math.min(...taken), 1)
  t.is(other.next(), 1, 'sequences do not share their ids')
})

test('ids grow, and more are reserved before they run out', async t => {
  const database = await testDatabase(t)
  const allocator = await NidAllocator.open(database, 'event')
  const taken: number[] = []
  while (taken.length < 5000) {
    taken.push(...take(allocator, 100))
    // Whatever the allocator has sent is committed before this.
    await database.commit({ statements: [] })
  }
  t.deepEqual(
    taken,
    taken.toSorted((a, b) => a - b),
  )
})

test('many ids at once are there when asked for', async t => {
  const allocator = await NidAllocator.open(await testDatabase(t), 'event')
  await allocator.ensure(30_000)
  t.is(new Set(take(allocator, 30_000)).size, 30_000)
})

test('without a database the reserved ids are used up, and no others are made up', async t => {
  const database = await testDatabase(t)
  const allocator = await NidAllocator.open(database, 'event')
  await database.close()
  take(allocator, 1000)
  t.throws(() => allocator.next(), { instanceOf: DatabaseUnavailable })
})
