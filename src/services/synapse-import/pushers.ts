import { canonicalEmail } from '../../core/email-address.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, objectOf, those } from './readable.ts'
import { tableStep } from './table-step.ts'

interface PusherRow {
  readonly id: number
  readonly user_name: string
  readonly profile_tag: string
  readonly kind: string
  readonly app_id: string
  readonly app_display_name: string
  readonly device_display_name: string
  readonly pushkey: string
  readonly ts: number
  readonly lang: string | null
  readonly data: string | null
  readonly device_id: string | null
  readonly enabled: number | null
}

/**
 * Where notifications are pushed to. What Synapse has not pushed before it was stopped is not pushed any more: so these come after the rooms,
 * and begin where the streams end.
 */
export const pushers = tableStep<PusherRow>({
  name: 'pushers',
  table: 'pushers',
  query: ({ source }) => ({
    from: 'pushers',
    columns: [
      ...['id', 'user_name', 'profile_tag', 'kind', 'app_id', 'app_display_name', 'device_display_name'],
      ...['pushkey', 'ts', 'lang', 'data', 'device_id'],
      source.has('pushers', 'enabled') ? 'enabled' : 'NULL AS enabled',
    ],
    key: ['id'],
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'pushers', [
      ...['user_id', 'app_id', 'pushkey', 'device_id', 'kind', 'app_display_name', 'device_display_name'],
      ...['profile_tag', 'lang', 'data', 'updated_ts', 'event_position', 'invite_position'],
    ])
    return rows => {
      const inUse = those(
        rows,
        ({ enabled }) => enabled === null || Number(enabled) !== 0,
        count => progress.left('pushers that are switched off (MSC3881)', count),
      )
      const usable = inUse.flatMap(row => {
        const pushkey = row.kind === 'email' ? canonicalEmail(row.pushkey) : row.pushkey
        const data = row.data === null ? {} : objectOf(row.data)
        const isKnown = row.kind === 'email' || row.kind === 'http'
        if (pushkey === undefined || data === undefined || !isKnown) return []
        return isOfServer(row.user_name, serverName) ? [{ row, pushkey, data }] : []
      })
      progress.left('pushers of unknown kinds', inUse.length - usable.length)
      progress.came('pushers', usable.length)
      return [
        insert.rows(
          usable.map(({ row, pushkey, data }) => ({
            ...row,
            user_id: row.user_name,
            pushkey,
            profile_tag: row.profile_tag === '' ? null : row.profile_tag,
            lang: row.lang ?? 'en',
            data: JSON.stringify(data),
            updated_ts: row.ts,
            event_position: db.position('events'),
            invite_position: db.position('invites'),
          })),
        ),
      ]
    }
  },
})
