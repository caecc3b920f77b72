import type { StreamPosition } from '../../storage/database.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import type { ImportWorld } from './step.ts'
import { tableStep } from './table-step.ts'

/**
 * Places in the stream of device lists, after all that Synapse has used: other servers remember the last that they have heard of.
 */
const placesAfter = async (world: ImportWorld): Promise<(offset: number) => StreamPosition> => {
  const row = await world.source.get<{ last: number | null }>(
    'SELECT max(stream_id) AS last FROM device_lists_stream',
  )
  const used = Number(row?.last ?? 0)
  return offset => ({
    stream: 'device_lists',
    offset: Math.max(0, used - world.db.position('device_lists')) + offset,
  })
}

interface DeviceRow {
  readonly user_id: string
  readonly device_id: string
}

const COLUMNS = ['position', 'user_id', 'device_id', 'changed_ts']

/** All devices of this server count as changed: whoever shares a room with their owners looks at their keys again. */
export const ownDeviceLists = tableStep<DeviceRow>({
  name: 'device lists',
  table: 'e2e_device_keys_json',
  query: () => ({
    from: 'e2e_device_keys_json',
    columns: ['user_id', 'device_id'],
    key: ['user_id', 'device_id'],
  }),
  begin: (world, _progress) => {
    const insert = new BulkInsert(world.db, 'device_list_changes', COLUMNS)
    return async rows => {
      const place = await placesAfter(world)
      return [
        insert.rows(rows.map((row, offset) => ({ ...row, position: place(offset), changed_ts: world.now }))),
      ]
    }
  },
})

/** So do those of users of other servers whom Synapse knows: what it has told clients of them since they last asked, nothing says. */
export const othersDeviceLists = tableStep<{ user_id: string }>({
  name: 'device lists of others',
  table: 'device_lists_remote_extremeties',
  query: () => ({ from: 'device_lists_remote_extremeties', columns: ['user_id'], key: ['user_id'] }),
  begin: (world, _progress) => {
    const insert = new BulkInsert(world.db, 'device_list_changes', COLUMNS)
    return async rows => {
      const place = await placesAfter(world)
      return [
        insert.rows(
          rows.map((row, offset) => ({
            ...row,
            device_id: '',
            position: place(offset),
            changed_ts: world.now,
          })),
        ),
      ]
    }
  },
})
