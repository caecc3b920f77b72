import test from 'ava'
import { migrations } from '../../../migrations/index.ts'
import { bothDatabases } from '../../test-kit/database.ts'
import { loadKnex } from '../knex.ts'
import { migrate } from '../migrate.ts'
import { type DatabaseConfig, openDatabase } from '../open.ts'
import { PushActionReader } from './push-actions.ts'

/** What a database has that nothing was stored in by this version of the program. @param current one of this version */
const older = (current: DatabaseConfig) =>
  current.kind === 'postgres'
    ? { config: current, knexConfig: { client: 'pg', connection: current.url } }
    : {
        config: { ...current, path: `${current.path}.older` },
        knexConfig: {
          client: 'better-sqlite3',
          connection: { filename: `${current.path}.older` },
          useNullAsDefault: true,
        },
      }

bothDatabases(
  test,
  'what older versions have stored for crowds notifies those whom it did',
  async (t, _, current) => {
    const { config, knexConfig } = older(current)
    const version = migrations.findIndex(({ name }) => name === '0045-group-actions')
    const knex = loadKnex()(knexConfig)
    if (config.kind === 'postgres') await knex.raw('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await migrate(knexConfig, undefined, version)
    await knex('users').insert({
      ...{
        user_id: '@ann:here.test:8448',
        kind: 'user',
        is_admin: 0,
        is_locked: 0,
        is_suspended: 0,
        created_ts: 1,
      },
      ...{ erase: 0, cleanup: 0, credential_version: 0 },
    })
    const people = ['ann', 'bob', 'cid', 'dan']
    const idOf = (name: string): string => `@${name}:here.test:8448`
    // Of each event: who sent it, and whom of which part it notified; by chance each of them is in one of two buckets.
    const events = [
      { sender: 'ann', parts: [['bob', 'cid', 'dan']] },
      { sender: 'bob', parts: [['ann', 'cid', 'dan']] },
      { sender: 'bob', parts: [['ann', 'cid'], ['dan']] },
      { sender: 'ann', parts: [['dan'], ['bob', 'cid']] },
      { sender: 'cid', parts: [['ann', 'bob', 'dan']] },
    ]
    for (const [index, { sender, parts }] of events.entries()) {
      const position = 10 * (index + 1)
      await knex('events').insert({
        ...{
          event_nid: position + 1,
          event_id: `$${position}`,
          room_nid: 7,
          position,
          type: 'm.room.message',
        },
        ...{ sender: idOf(sender), depth: 1, origin_server_ts: 1, soft_failed: 0, generation: 0 },
      })
      for (const [part, names] of parts.entries())
        for (const bucket of [0, 1]) {
          const named = names.filter(name => people.indexOf(name) % 2 === bucket)
          if (named.length > 0)
            await knex('crowd_actions').insert({
              ...{ room_nid: 7, bucket, position, part, event_nid: position + 1, thread_id: 'main' },
              ...{ highlight: part, actions: '["notify"]', ts: 1, users: `\n${named.join('\n')}\n` },
            })
        }
    }
    await knex.destroy()
    const db = await openDatabase(config)
    t.teardown(() => db.close())
    const read = new PushActionReader(db)
    for (const name of people) {
      const page = await read.page(idOf(name), { before: 1_000, onlyHighlights: false, limit: 100 })
      t.deepEqual(
        page.map(({ position, highlight }) => [position, highlight ? 1 : 0]).toReversed(),
        events.flatMap(({ parts }, index) => {
          const part = parts.findIndex(names => names.includes(name))
          return part === -1 ? [] : [[10 * (index + 1), part]]
        }),
        name,
      )
    }
  },
)
