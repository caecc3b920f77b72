import { fitsBytes, isRoomId, MAX_ID_BYTES } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, objectOf } from './readable.ts'
import type { ImportWorld, StepProgress } from './step.ts'
import { tableStep } from './table-step.ts'

interface DataRow {
  readonly user_id: string
  readonly room_id: string
  readonly account_data_type: string
  readonly content: string
}

/** Has entries stored; what cannot be read is left out. */
const entries = ({ db, serverName }: ImportWorld, progress: StepProgress) => {
  const insert = new BulkInsert(db, 'account_data', ['user_id', 'room_id', 'type', 'content', 'position'])
  return (rows: readonly DataRow[]) => {
    const usable = rows.filter(
      row =>
        isOfServer(row.user_id, serverName) &&
        (row.room_id === '' || isRoomId(row.room_id)) &&
        fitsBytes(row.account_data_type, MAX_ID_BYTES) &&
        objectOf(row.content) !== undefined,
    )
    progress.left('account data that cannot be read', rows.length - usable.length)
    progress.came('account data', usable.length)
    return [
      insert.rows(
        usable.map((row, offset) => ({
          user_id: row.user_id,
          room_id: row.room_id,
          type: row.account_data_type,
          content: row.content,
          position: { stream: 'account_data', offset },
        })),
      ),
    ]
  }
}

/** Global account data, with whom people ignore. Push rules are not among them at Synapse's. */
export const globalAccountData = tableStep<DataRow>({
  name: 'account data',
  table: 'account_data',
  query: () => ({
    from: 'account_data',
    columns: ['user_id', "'' AS room_id", 'account_data_type', 'content'],
    key: ['user_id', 'account_data_type'],
  }),
  begin: entries,
})

/** What people have noted of rooms, such as up to where they have read. */
export const roomAccountData = tableStep<DataRow>({
  name: 'account data of rooms',
  table: 'room_account_data',
  query: () => ({
    from: 'room_account_data',
    columns: ['user_id', 'room_id', 'account_data_type', 'content'],
    key: ['user_id', 'room_id', 'account_data_type'],
    where: "account_data_type <> 'm.tag'",
  }),
  begin: entries,
})

interface TaggedRow {
  readonly user_id: string
  readonly room_id: string
}

interface TagRow extends TaggedRow {
  readonly tag: string
  readonly content: string
}

/** Tags of rooms: a table of their own at Synapse's, one entry for each room here. */
export const tags = tableStep<TaggedRow>({
  name: 'tags',
  table: 'room_tags',
  query: () => ({
    from: 'room_tags t',
    columns: ['t.user_id AS user_id', 't.room_id AS room_id'],
    key: ['user_id', 'room_id'].map(name => ({ column: `t.${name}`, name })),
    // One row for each room, found by the index.
    where:
      't.tag = (SELECT min(o.tag) FROM room_tags o WHERE o.user_id = t.user_id AND o.room_id = t.room_id)',
  }),
  pageSize: 100,
  begin: (world, progress) => {
    const store = entries(world, progress)
    return async rows => {
      const found = await world.source.all<TagRow>(
        `SELECT user_id, room_id, tag, content FROM room_tags
         WHERE ${rows.map(() => '(user_id = ? AND room_id = ?)').join(' OR ')}`,
        rows.flatMap(row => [row.user_id, row.room_id]),
      )
      const byRoom = Map.groupBy(found, row => JSON.stringify([row.user_id, row.room_id]))
      return store(
        [...byRoom.values()].flatMap(ofRoom => {
          const [first] = ofRoom
          if (first === undefined) return []
          const content = JSON.stringify({ tags: tagsOf(ofRoom) })
          return [{ ...first, account_data_type: 'm.tag', content }]
        }),
      )
    }
  },
})

const tagsOf = (rows: readonly TagRow[]): Record<string, JsonObject> =>
  Object.fromEntries(
    rows.flatMap(row => {
      const content = objectOf(row.content)
      return isJsonObject(content) ? [[row.tag, content]] : []
    }),
  )

interface FilterRow {
  readonly full_user_id: string
  readonly filter_id: number
  readonly filter_json: string | Uint8Array
}

/** Filters keep their numbers: clients remember these. */
export const filters = tableStep<FilterRow>({
  name: 'filters',
  table: 'user_filters',
  query: () => ({
    from: 'user_filters',
    columns: ['full_user_id', 'filter_id', 'filter_json'],
    key: ['full_user_id', 'filter_id'],
  }),
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'filters', ['user_id', 'filter_id', 'content', 'used_ts'])
    return rows => {
      const usable = rows.flatMap(row => {
        const content = objectOf(row.filter_json)
        return content === undefined || !isOfServer(row.full_user_id, serverName)
          ? []
          : [{ user_id: row.full_user_id, filter_id: String(row.filter_id), content, used_ts: now }]
      })
      progress.left('filters that cannot be read', rows.length - usable.length)
      progress.came('filters', usable.length)
      return [insert.rows(usable.map(row => ({ ...row, content: JSON.stringify(row.content) })))]
    }
  },
})
