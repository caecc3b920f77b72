import test from 'ava'
import { makeSynapse, testImports } from '../../test-kit/synapse.ts'
import { openSynapse } from './open.ts'
import { pages } from './pages.ts'
import { SynapseUnreadable } from './source.ts'
import { adviceOn } from './sqlite-source.ts'

testImports(test, 'a source is read in pages, from after a key on', async (t, _db, open) => {
  const pairs = ['a', 'b', 'c'].flatMap(user_id => [1, 2].map(burst_count => ({ user_id, burst_count })))
  const source = await open({
    ratelimit_override: [...pairs, { user_id: 'd', burst_count: 3 }],
    users: [{ name: 'a', locked: true, suspended: false, admin: 1 }],
  })
  t.true(source.has('users') && source.has('users', 'locked'))
  t.false(source.has('users', 'nothing') || source.has('nothing'))
  t.deepEqual(
    { ...(await source.get('SELECT locked, suspended, admin FROM users WHERE name = ?', ['a'])) },
    { locked: 1, suspended: 0, admin: 1 },
  )
  const query = {
    from: 'ratelimit_override r',
    columns: ['r.user_id AS who', 'burst_count'],
    key: [{ column: 'r.user_id', name: 'who' }, 'burst_count'],
    where: 'burst_count < 3',
  }
  const read = async (after?: readonly (string | number)[]): Promise<string[]> => {
    const found: string[] = []
    for await (const rows of pages<{ who: string; burst_count: number }>(source, query, after, 2))
      found.push(rows.map(row => `${row.who}${row.burst_count}`).join())
    return found
  }
  t.deepEqual(await read(), ['a1,a2', 'b1,b2', 'c1,c2'])
  t.deepEqual(await read(['b', 1]), ['b2,c1', 'c2'])
  await t.throwsAsync(source.all("INSERT INTO users (name) VALUES ('x')"))
})

testImports(test, 'what cannot be read is refused with what to do', async (t, _db, _open, config) => {
  const opened = async (version: number, compatible: number): Promise<string> => {
    const rows = {
      schema_version: [{ version }],
      schema_compat_version: [{ compat_version: compatible }],
    }
    const location = await makeSynapse(t, config, rows)
    const error = await t.throwsAsync(openSynapse(location), { instanceOf: SynapseUnreadable })
    return error?.message ?? ''
  }
  t.regex(await opened(84, 80), /too old \(schema 84.*upgrade Synapse/)
})

test('a newer Synapse is read as long as it says that we may', async t => {
  const make = (compat_version: number) =>
    makeSynapse(
      t,
      { kind: 'sqlite', path: '' },
      {
        schema_version: [{ version: 99 }],
        schema_compat_version: [{ compat_version }],
      },
    )
  await t.throwsAsync(openSynapse(await make(95)), { message: /too new \(schema 99/ })
  const source = await openSynapse(await make(94))
  t.is(source.schemaVersion, 99)
  await source.close()
  const bare = await makeSynapse(
    t,
    { kind: 'sqlite', path: '' },
    {},
    { schema_version: 'version integer', schema_compat_version: 'compat_version integer' },
  )
  await t.throwsAsync(openSynapse(bare), { message: /no database of Synapse/ })
  await t.throwsAsync(openSynapse({ kind: 'sqlite', path: '/nowhere/at.all' }), {
    message: /^Synapse's database \/nowhere\/at\.all cannot be read: [^.]*$/,
  })
})

test('who may not write beside an SQLite database is told what it takes', t => {
  const refused = Object.assign(new Error('attempt to write'), { code: 'SQLITE_READONLY_DIRECTORY' })
  t.regex(adviceOn(import.meta.filename, refused), /as the user whom Synapse ran as/)
  t.is(adviceOn('/nowhere/at.all', refused), '')
  t.is(adviceOn(import.meta.filename, new Error('file is not a database')), '')
})
