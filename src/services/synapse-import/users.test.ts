import test from 'ava'
import { UserReader } from '../../storage/accounts/users.ts'
import { inspectDatabase } from '../../storage/inspect.ts'
import { finishImport, holdsPeopleOrRooms, importUnderWay, markImport } from '../../storage/synapse/mark.ts'
import { testImports } from '../../test-kit/synapse.ts'
import { runImport } from './run.ts'
import { tableStep } from './table-step.ts'
import { users } from './users.ts'

const NOBODY = {
  ...{ password_hash: '$2b$12$hash', creation_ts: 1_700_000_000, admin: 0, is_guest: 0, deactivated: 0 },
  ...{ shadow_banned: false, locked: false, suspended: false },
}

testImports(test, 'accounts come over as they are', async (t, db, open, config) => {
  const source = await open({
    users: [
      { ...NOBODY, name: '@ann:a.test', admin: 1, user_type: 'support', consent_version: '1.0' },
      { ...NOBODY, name: '@bad:a.test', locked: true, suspended: true, shadow_banned: true },
      { ...NOBODY, name: '@gone:a.test', deactivated: 1, password_hash: null },
      { ...NOBODY, name: '@1:a.test', is_guest: 1, password_hash: null },
      { ...NOBODY, name: '@half:a.test', approved: true },
      { ...NOBODY, name: '@new:a.test', approved: false },
      { ...NOBODY, name: '@other:b.test' },
    ],
    erased_users: [{ user_id: '@gone:a.test' }],
    users_pending_deactivation: [{ user_id: '@half:a.test' }],
    ratelimit_override: [{ user_id: '@ann:a.test', messages_per_second: 0, burst_count: 0 }],
  })
  await markImport(config, 'synapse a.test')
  const world = { source, db, serverName: 'a.test', now: 5 }
  const shown: unknown[] = []
  const report = await runImport([users], world, each => shown.push(each))
  t.deepEqual(
    [...report.came],
    [
      ['accounts', 6],
      ['of these locked, since nobody has approved of them yet', 1],
    ],
  )
  t.deepEqual([...report.left], [['accounts under another server name', 1]])
  t.deepEqual(shown.at(-1), { step: 'accounts', rows: 7, total: 7 })
  const reader = new UserReader(db)
  const ann = await reader.byId('@ann:a.test')
  t.like(ann, { passwordHash: '$2b$12$hash', isAdmin: true, kind: 'user', createdTs: 1_700_000_000_000 })
  const accepted = db.prepare('SELECT user_id, accepted_terms FROM users WHERE accepted_terms IS NOT NULL')
  t.deepEqual(await db.all(accepted), [
    { user_id: '@ann:a.test', accepted_terms: '{"privacy_policy":"1.0"}' },
  ])
  t.deepEqual(await reader.messageLimit('@ann:a.test'), { perSecond: 0, burst: 0 })
  t.like(await reader.byId('@bad:a.test'), { isLocked: true, isSuspended: true, isShadowBanned: true })
  t.like(await reader.byId('@new:a.test'), { isLocked: true })
  t.like(await reader.byId('@half:a.test'), { isLocked: false })
  t.like(await reader.byId('@gone:a.test'), { passwordHash: undefined, deactivatedTs: 5 })
  t.like(await reader.byId('@1:a.test'), { kind: 'guest', passwordHash: undefined })
  t.deepEqual(await reader.pendingCleanups('', 9), [{ userId: '@half:a.test', erase: false }])
})

testImports(test, 'an import goes on where it was interrupted', async (t, db, open, config) => {
  const source = await open({ users: ['a', 'b', 'c'].map(name => ({ ...NOBODY, name: `@${name}:a.test` })) })
  const world = { source, db, serverName: 'a.test', now: 5 }
  t.false(await holdsPeopleOrRooms(db))
  t.false(await markImport(config, 'synapse a.test'))
  const seen: string[][] = []
  const step = (failsAt: string | undefined) =>
    tableStep<{ name: string }>({
      name: 'names',
      table: 'users',
      pageSize: 1,
      query: () => ({ from: 'users', columns: ['name'], key: ['name'] }),
      begin: (_world, progress) => rows => {
        seen.push(rows.map(({ name }) => name))
        if (rows[0]?.name === failsAt) throw new Error('interrupted')
        progress.came('names', rows.length)
        return []
      },
    })
  await t.throwsAsync(runImport([step('@b:a.test')], world), { message: 'interrupted' })
  await t.throwsAsync(inspectDatabase(config), { message: /is being filled/ })
  t.true(await markImport(config, 'synapse a.test'), 'it goes on')
  t.is(await importUnderWay(config), 'synapse a.test')
  await t.throwsAsync(markImport(config, 'synapse b.test'), { message: /is being filled/ })
  const report = await runImport([step(undefined)], world)
  t.deepEqual(seen, [['@a:a.test'], ['@b:a.test'], ['@b:a.test'], ['@c:a.test']])
  t.deepEqual([...report.came], [['names', 3]])
  const again = await runImport([step('@a:a.test')], world)
  t.deepEqual(again, report, 'what is done is not done again')
  await finishImport(config)
  t.like(await inspectDatabase(config), { kind: 'usable' })
})
