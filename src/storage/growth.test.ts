import { readFileSync } from 'node:fs'
import test from 'ava'
import { testDatabase } from '../test-kit/database.ts'
import { leftoverSweeps } from './leftovers.ts'

test('docs/growth.md says of every table what makes it grow and what ends it', async t => {
  const database = await testDatabase(t)
  const rows = await database.all<{ name: string }>(
    database.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'message^_words^_%' ESCAPE '^' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'",
    ),
  )
  const text = readFileSync(new URL('../../docs/growth.md', import.meta.url), 'utf8')
  const listed = [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  )
  t.deepEqual(listed.toSorted(), rows.map(({ name }) => name).toSorted())
})

test('what is left over is removed, and nothing else', async t => {
  const database = await testDatabase(t)
  const now = 400 * 86_400_000
  const run = (sql: string) =>
    database.commit({ statements: [{ prepared: database.prepare(sql), rows: [[]] }] })
  const invitation = (user: string, status: string, ts: number): string =>
    `('${user}', '!r', 'invite', '@s', '${status}', 0, ${ts}, 0, '{}', '$e', '12', '[]')`
  const columns =
    'user_id, room_id, kind, sender, status, created_ts, updated_ts, position, event, event_id, room_version, stripped_state'
  await run(
    `INSERT INTO invitations (${columns}) VALUES ${invitation('@old', 'joined', 0)}, ${invitation('@new', 'joined', now)}, ${invitation('@waits', 'invited', 0)}`,
  )
  await run(
    `INSERT INTO removed_memberships VALUES ('@old', '!r', 1, 1, 1, 'leave', '@s', '$e', 0, 0), ('@new', '!r', 1, 1, 1, 'leave', '@s', '$e', 0, ${now})`,
  )
  await run(
    `INSERT INTO server_keys VALUES ('old', 'k', 'x', 1, NULL, 1), ('new', 'k', 'x', ${now}, NULL, 1)`,
  )
  await run(`INSERT INTO server_key_documents VALUES ('old', '{}', 1, 1), ('new', '{}', 1, ${now})`)
  await run("INSERT INTO devices (user_id, device_id, created_ts) VALUES ('@new', 'A', 0), ('@old', 'A', 0)")
  await run(
    `INSERT INTO sliding_connections VALUES ('@old', 'A', '', 1, 1, '{}', 0), ('@new', 'A', '', 1, 1, '{}', ${now}),
       ('@out', 'A', '', 1, 1, '{}', ${now})`,
  )
  await run('INSERT INTO federation_sender VALUES (1, 10)')
  const event = (nid: number, room: number, position: number): string =>
    `(${nid}, '$${nid}', ${room}, ${position}, 'm', NULL, '@s', 1, 1, NULL, 0, NULL, 0)`
  await run(
    `INSERT INTO events (event_nid, event_id, room_nid, position, type, state_key, sender, depth, origin_server_ts,
       rejected, soft_failed, redacted_by, generation) VALUES ${event(1, 1, 5)}, ${event(2, 2, 5)}, ${event(3, 1, 11)}`,
  )
  await run("INSERT INTO federation_destination_rooms VALUES ('away', 2, 4, 6)")
  await run('INSERT INTO relayed_events VALUES (1), (2), (3), (4)')
  await run("INSERT INTO federation_edus VALUES (7, 'replaced', 0), (8, 'waits', 0)")
  await run("INSERT INTO federation_edu_destinations VALUES ('away', 8, 'key')")
  await run(
    "INSERT INTO user_directory VALUES ('@here', 'x'), ('@gone', 'x'), ('@ours', 'x'), ('@ended', 'x')",
  )
  const user = (id: string, deactivatedTs: number | 'NULL'): string =>
    `('${id}', 'user', 0, 0, 0, 1, ${deactivatedTs}, 0, 0, 0)`
  await run(
    `INSERT INTO users (user_id, kind, is_admin, is_locked, is_suspended, created_ts, deactivated_ts, erase, cleanup, credential_version) VALUES ${user('@ours', 'NULL')}, ${user('@ended', 1)}`,
  )
  const member = (user: string, membership: string): string => `('${user}', 1, 'h', '${membership}', 1, 1, 0)`
  await run(
    `INSERT INTO memberships (user_id, room_nid, host, membership, event_nid, position, forgotten)
     VALUES ${member('@here', 'join')}, ${member('@gone', 'leave')}`,
  )
  await run("INSERT INTO remote_device_lists VALUES ('@followed', 'h', 1, 0, 1)")
  await run("INSERT INTO remote_devices VALUES ('@followed', 'D', NULL, '{}'), ('@gone', 'D', NULL, '{}')")
  await run(
    "INSERT INTO cross_signing_keys VALUES ('@followed', 'master', 'k', '{}'), ('@gone', 'master', 'k', '{}')",
  )
  const task = (id: string, done: number | 'NULL'): string =>
    `('${id}', 'a', 'r', '{}', 's', NULL, NULL, 0, 0, NULL, ${done})`
  await run(`INSERT INTO admin_tasks VALUES ${task('old', 1)}, ${task('new', now)}, ${task('waits', 'NULL')}`)
  const gone: Record<string, unknown> = {}
  for (const sweep of leftoverSweeps(database)) {
    const keys = await sweep.find(now, 10)
    gone[sweep.table] = keys.toSorted()
    const [first] = keys
    t.deepEqual(await sweep.find(now, 10, first), keys.slice(1), 'and once')
    await database.commit({ statements: [sweep.remove(keys, now)] })
    t.deepEqual(await sweep.find(now, 10), [])
  }
  t.deepEqual(gone, {
    removed_memberships: ['@old'],
    sliding_connections: ['@old', '@out'],
    invitations: ['@old'],
    server_keys: ['old'],
    server_key_documents: ['old'],
    relayed_events: [1, 4],
    federation_edus: [7],
    user_directory: ['@ended', '@gone'],
    remote_devices: ['@gone'],
    cross_signing_keys: ['@gone'],
    admin_tasks: ['old'],
  })
})
