import test from 'ava'
import { databasesFor } from './which-databases.ts'

const NAMES = Array.from({ length: 100 }, (_, index) => `whatever happens ${index}, it is told`)

test('a test runs on both, unless one is to do', t => {
  for (const env of [{}, { TESSERA_TEST_DATABASES: 'both' }, { TESSERA_TEST_POSTGRES: 'postgres://x' }])
    t.deepEqual(databasesFor('a', env), ['sqlite', 'postgres'])
})

test('one by its name, and each has its part', t => {
  const env = { TESSERA_TEST_DATABASES: 'one', TESSERA_TEST_POSTGRES: 'postgres://x' }
  const taken = NAMES.flatMap(name => databasesFor(name, env))
  t.is(taken.length, NAMES.length)
  t.deepEqual(
    taken,
    NAMES.flatMap(name => databasesFor(name, env)),
    'the same each time',
  )
  for (const kind of ['sqlite', 'postgres']) t.true(taken.filter(one => one === kind).length > 20, kind)
})

test('all run on SQLite where PostgreSQL is not there', t => {
  const taken = NAMES.flatMap(name => databasesFor(name, { TESSERA_TEST_DATABASES: 'one' }))
  t.deepEqual(taken, Array(NAMES.length).fill('sqlite'))
})
