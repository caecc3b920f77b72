import { encodeBase64 } from '../../core/base64.ts'
import { isServerName } from '../../core/ids.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { those } from './readable.ts'
import { tableStep } from './table-step.ts'

interface KeyRow {
  readonly server_name: string
  readonly key_id: string
  readonly ts_added_ms: number | null
  readonly verify_key: Uint8Array
  readonly ts_valid_until_ms: number | null
}

/** "The lesser of this field and 7 days into the future" (server-server API, "Publishing Keys"). */
const MAX_VALIDITY_MS = 7 * 86_400_000

/** Keys of other servers that Synapse has seen: what servers have signed that are gone by now can be checked by nothing else. */
export const serverKeys = tableStep<KeyRow>({
  name: 'keys of servers',
  table: 'server_signature_keys',
  query: () => ({
    from: 'server_signature_keys',
    columns: ['server_name', 'key_id', 'ts_added_ms', 'verify_key', 'ts_valid_until_ms'],
    key: ['server_name', 'key_id'],
    where: 'server_name IS NOT NULL AND key_id IS NOT NULL',
  }),
  begin: ({ db, serverName, now }, progress) => {
    const insert = new BulkInsert(db, 'server_keys', [
      ...['server_name', 'key_id', 'public_key', 'valid_until_ts', 'fetched_ts'],
    ])
    return rows => {
      const usable = those(
        rows.filter(row => row.server_name !== serverName),
        row => isServerName(row.server_name) && row.verify_key?.length === 32,
        count => progress.left('keys of other servers that cannot be read', count),
      )
      progress.came('keys of other servers', usable.length)
      return [
        insert.rows(
          usable.map(row => ({
            server_name: row.server_name,
            key_id: row.key_id,
            public_key: encodeBase64(row.verify_key),
            valid_until_ts: Math.min(row.ts_valid_until_ms ?? 0, now + MAX_VALIDITY_MS),
            fetched_ts: row.ts_added_ms ?? 0,
          })),
        ),
      ]
    }
  },
})
