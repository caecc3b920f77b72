import type { Knex } from 'knex'
import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * A message wrote whom it notifies for each of them. Now it writes a row for each group of the room's listeners to whom it is the
 * same, and who belongs to which group, and since when, is written where that changes. Rows of single users are left to what is
 * something else to them than to their group, if only that it is nothing (`silent`).
 */
export const groupActions: Migration = {
  name: '0045-group-actions',
  breaking: true,
  async up(knex) {
    await execute(knex, tables)
    for (const roomNid of await knex('crowd_actions').distinct('room_nid').pluck('room_nid'))
      await convertRoom(knex, roomNid)
    await execute(knex, () => ['DROP TABLE crowd_actions'])
  },
}

/** A membership that has not ended. */
const OPEN = Number.MAX_SAFE_INTEGER

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  // position is the event's. A user is one of the group for what stands after `since` up to `up_to`.
  `CREATE TABLE group_actions (
    room_nid ${integer} NOT NULL,
    position ${integer} NOT NULL,
    group_id ${integer} NOT NULL,
    event_nid ${integer} NOT NULL,
    thread_id ${text} NOT NULL,
    highlight ${integer} NOT NULL,
    actions ${text} NOT NULL,
    ts ${integer} NOT NULL,
    sender ${text} NOT NULL,
    PRIMARY KEY (room_nid, position, group_id)
  )${clustered}`,
  `CREATE TABLE group_members (
    user_id ${text} NOT NULL,
    room_nid ${integer} NOT NULL,
    since ${integer} NOT NULL,
    up_to ${integer} NOT NULL,
    group_id ${integer} NOT NULL,
    PRIMARY KEY (user_id, room_nid, since)
  )${clustered}`,
  'CREATE INDEX group_members_room ON group_members (room_nid, up_to)',
  `CREATE INDEX group_members_ended ON group_members (up_to) WHERE up_to < ${OPEN}`,
  `ALTER TABLE push_actions ADD COLUMN silent ${integer} NOT NULL DEFAULT 0`,
  'CREATE INDEX push_actions_silent ON push_actions (room_nid, position) WHERE silent = 1',
]

interface Crowd {
  readonly position: number
  readonly part: number
  readonly event_nid: number
  readonly thread_id: string
  readonly highlight: number
  readonly actions: string
  readonly ts: number
  readonly sender: string
}

/** Rows that are written at a time: SQLite takes 500 in one statement. */
const AT_ONCE = 500

/** What notified a crowd notifies a group for each of its parts: those whom it names, for as long as it names them all along. */
const convertRoom = async (knex: Knex, roomNid: number): Promise<void> => {
  const crowds: Crowd[] = await knex('crowd_actions as c')
    .leftJoin('events as e', 'e.event_nid', 'c.event_nid')
    .where('c.room_nid', roomNid)
    .distinct('c.position', 'c.part', 'c.event_nid', 'c.thread_id', 'c.highlight', 'c.actions', 'c.ts')
    .select(knex.raw("COALESCE(e.sender, '') AS sender"))
    .orderBy('c.position')
  await insert(
    knex,
    'group_actions',
    crowds.map(({ part, ...crowd }) => ({ room_nid: roomNid, group_id: part, ...crowd })),
  )
  const [user]: string[] = await knex('users').limit(1).pluck('user_id')
  const serverName = user?.slice(user.indexOf(':') + 1)
  if (serverName === undefined) return
  const buckets: number[] = await knex('crowd_actions')
    .where('room_nid', roomNid)
    .distinct('bucket')
    .pluck('bucket')
  for (const bucket of buckets) {
    const named: { position: number; part: number; users: string }[] = await knex('crowd_actions')
      .where({ room_nid: roomNid, bucket })
      .select('position', 'part', 'users')
    const spans = [...Map.groupBy(crowds, ({ part }) => part)].flatMap(([part, ofPart]) => {
      const users = new Map(
        named.flatMap(row => (row.part === part ? [[Number(row.position), row.users] as const] : [])),
      )
      return spansOf(ofPart, users, serverName).map(span => ({ ...span, room_nid: roomNid, group_id: part }))
    })
    await insert(knex, 'group_members', spans)
  }
}

interface Span {
  readonly user_id: string
  readonly since: number
  readonly up_to: number
}

/** For whom crowds were, one after another. @param named the users of some of them, by position: localparts between line feeds */
const spansOf = (
  crowds: readonly Crowd[],
  named: ReadonlyMap<number, string>,
  serverName: string,
): Span[] => {
  const spans: Span[] = []
  const here = new Map<string, { since: number; upTo: number }>()
  const end = (userId: string, { since, upTo }: { since: number; upTo: number }): void => {
    here.delete(userId)
    spans.push({ user_id: userId, since, up_to: upTo })
  }
  for (const crowd of crowds) {
    const position = Number(crowd.position)
    const users = new Set(
      (named.get(position) ?? '')
        .split('\n')
        .flatMap(localpart => (localpart === '' ? [] : `@${localpart}:${serverName}`)),
    )
    // Who has sent it is not named, and not notified by it as one of the group either.
    for (const [userId, span] of here) if (!users.has(userId) && userId !== crowd.sender) end(userId, span)
    for (const userId of users)
      here.set(userId, { since: here.get(userId)?.since ?? position - 1, upTo: position })
  }
  for (const [userId, span] of here) end(userId, span)
  return spans
}

const insert = async (knex: Knex, table: string, rows: readonly object[]): Promise<void> => {
  for (let at = 0; at < rows.length; at += AT_ONCE) await knex(table).insert(rows.slice(at, at + AT_ONCE))
}
