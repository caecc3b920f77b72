import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { StreamMoves } from '../../storage/synapse/rooms/positions.ts'
import { jsonOf } from './readable.ts'
import type { ImportWorld } from './step.ts'
import { tableStep } from './table-step.ts'

/** Has the stream go on behind all that Synapse has used: other servers and clients remember where they are in it. */
const goOnBehind = async ({ source, db }: ImportWorld): Promise<void> => {
  for (const table of ['device_lists_stream', 'user_signature_stream']) {
    const row = await source.get<{ last: number | null }>(`SELECT max(stream_id) AS last FROM ${table}`)
    const statements = new StreamMoves(db).beyond('device_lists', Number(row?.last ?? 0))
    if (statements.length > 0) await db.commit({ statements })
  }
}

const COLUMNS = ['position', 'user_id', 'device_id', 'audience', 'changed_ts']

interface Change {
  readonly stream_id: number
  readonly user_id: string
  readonly device_id: string
  readonly audience?: string
}

/** Has changes stored where they stand; of those at one place all but the first come at the end. */
const storing = ({ db, now }: ImportWorld) => {
  const insert = new BulkInsert(db, 'device_list_changes', COLUMNS)
  return (changes: readonly Change[]) => {
    const taken = new Set<number>()
    let late = 0
    return [
      insert.rows(
        changes.map(({ stream_id, ...change }) => {
          const isFirst = !taken.has(stream_id)
          taken.add(stream_id)
          const position = isFirst ? stream_id : ({ stream: 'device_lists', offset: late++ } as const)
          return { ...change, position, changed_ts: now }
        }),
      ),
    ]
  }
}

/** Whose devices have changed when, as far as Synapse remembers: of each device the last time. */
export const deviceLists = tableStep<Change>({
  name: 'device lists',
  table: 'device_lists_stream',
  query: () => ({
    from: 'device_lists_stream',
    columns: ['stream_id', 'user_id', 'device_id'],
    key: ['stream_id', 'user_id', 'device_id'],
  }),
  begin: world => {
    const store = storing(world)
    return async rows => {
      await goOnBehind(world)
      return store(rows)
    }
  },
})

interface SigningRow {
  readonly stream_id: number
  readonly from_user_id: string
  readonly user_ids: string
}

/** Whose keys look different to somebody who has signed them. */
export const signedUsers = tableStep<SigningRow>({
  name: 'signed users',
  table: 'user_signature_stream',
  query: () => ({
    from: 'user_signature_stream',
    columns: ['stream_id', 'from_user_id', 'user_ids'],
    key: ['stream_id'],
  }),
  begin: world => {
    const store = storing(world)
    return async rows => {
      await goOnBehind(world)
      return store(
        rows.flatMap(row => {
          const users = jsonOf(row.user_ids)
          const named = Array.isArray(users) ? users.filter(user => typeof user === 'string') : []
          return named.map(user_id => ({
            ...{ stream_id: row.stream_id, user_id, device_id: '', audience: row.from_user_id },
          }))
        }),
      )
    }
  },
})
