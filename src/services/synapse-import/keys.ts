import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { SqlValue } from '../../storage/database.ts'
import { BulkInsert } from '../../storage/synapse/bulk-insert.ts'
import { isOfServer, jsonOf, objectOf, those } from './readable.ts'
import { tableStep } from './table-step.ts'

interface KeyRow {
  readonly user_id: string
  readonly device_id: string
  readonly key_json: string
}

/** Identity keys of devices. */
export const deviceKeys = tableStep<KeyRow>({
  name: 'device keys',
  table: 'e2e_device_keys_json',
  query: () => ({
    from: 'e2e_device_keys_json',
    columns: ['user_id', 'device_id', 'key_json'],
    key: ['user_id', 'device_id'],
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'device_keys', ['user_id', 'device_id', 'json'])
    return rows => {
      const usable = those(
        rows,
        row => isOfServer(row.user_id, serverName) && objectOf(row.key_json) !== undefined,
        count => progress.left('keys of devices that cannot be read', count),
      )
      progress.came('keys of devices', usable.length)
      return [insert.rows(usable.map(row => ({ ...row, json: row.key_json })))]
    }
  },
})

interface CrossSigningRow {
  readonly user_id: string
  readonly keytype: string
  readonly keydata: string
}

const USAGES: ReadonlySet<string> = new Set(['master', 'self_signing', 'user_signing'])

/** The public part of a cross-signing key: it has one. */
const publicKey = (key: JsonObject | undefined): string | undefined => {
  const values = isJsonObject(key?.keys) ? Object.values(key.keys) : []
  return typeof values[0] === 'string' && values.length === 1 ? values[0] : undefined
}

/** The newest cross-signing keys of local users. Those of others are asked for anew. */
export const crossSigningKeys = tableStep<CrossSigningRow>({
  name: 'cross-signing keys',
  table: 'e2e_cross_signing_keys',
  query: () => ({
    from: 'e2e_cross_signing_keys k',
    columns: ['k.user_id AS user_id', 'k.keytype AS keytype', 'k.keydata AS keydata'],
    key: [
      { column: 'k.user_id', name: 'user_id' },
      { column: 'k.keytype', name: 'keytype' },
    ],
    where: `k.stream_id = (SELECT max(n.stream_id) FROM e2e_cross_signing_keys n
      WHERE n.user_id = k.user_id AND n.keytype = k.keytype)`,
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'cross_signing_keys', ['user_id', 'usage', 'public_key', 'json'])
    return rows => {
      const local = rows.filter(row => isOfServer(row.user_id, serverName))
      const keys = local.flatMap(row => {
        const key = publicKey(objectOf(row.keydata))
        return key === undefined || !USAGES.has(row.keytype) ? [] : [{ ...row, key }]
      })
      progress.left('cross-signing keys that cannot be read', local.length - keys.length)
      progress.came('cross-signing keys', keys.length)
      return [
        insert.rows(
          keys.map(row => ({
            user_id: row.user_id,
            usage: row.keytype,
            public_key: row.key,
            json: row.keydata,
          })),
        ),
      ]
    }
  },
})

interface SignatureRow {
  readonly user_id: string
  readonly key_id: string
  readonly target_user_id: string
  readonly target_device_id: string
  readonly signature: string
}

/** What local users have signed of their own keys and of others'. */
export const keySignatures = tableStep<SignatureRow>({
  name: 'key signatures',
  table: 'e2e_cross_signing_signatures',
  query: () => ({
    from: 'e2e_cross_signing_signatures',
    columns: ['user_id', 'key_id', 'target_user_id', 'target_device_id', 'signature'],
    key: ['user_id', 'target_user_id', 'target_device_id', 'key_id', 'signature'],
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'key_signatures', [
      ...['target_user', 'target_key', 'signer_user', 'signer_key', 'signature'],
    ])
    return rows => {
      const local = rows.filter(row => isOfServer(row.user_id, serverName))
      progress.came('signatures of keys', local.length)
      return [
        insert.rows(
          local.map(row => ({
            target_user: row.target_user_id,
            target_key: row.target_device_id,
            signer_user: row.user_id,
            signer_key: row.key_id,
            signature: row.signature,
          })),
        ),
      ]
    }
  },
})

interface OneTimeRow extends KeyRow {
  readonly algorithm: string
  readonly key_id: string
  readonly ts_added_ms: number
}

/** A key may be an object with signatures, or a text alone. */
const isKey = (stored: SqlValue): boolean => {
  const key = jsonOf(stored)
  return isJsonObject(key) || typeof key === 'string'
}

/** One-time keys that nobody has claimed; Synapse has forgotten the others. */
export const oneTimeKeys = tableStep<OneTimeRow>({
  name: 'one-time keys',
  table: 'e2e_one_time_keys_json',
  query: () => ({
    from: 'e2e_one_time_keys_json',
    columns: ['user_id', 'device_id', 'algorithm', 'key_id', 'ts_added_ms', 'key_json'],
    key: ['user_id', 'device_id', 'algorithm', 'key_id'],
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'one_time_keys', [
      ...['user_id', 'device_id', 'algorithm', 'key_id', 'ordinal', 'json'],
    ])
    return rows => {
      const usable = those(
        rows,
        row => isOfServer(row.user_id, serverName) && isKey(row.key_json),
        count => progress.left('one-time keys that cannot be read', count),
      )
      progress.came('one-time keys', usable.length)
      // They are given out in the order in which they came.
      return [insert.rows(usable.map(row => ({ ...row, ordinal: row.ts_added_ms, json: row.key_json })))]
    }
  },
})

interface FallbackRow extends KeyRow {
  readonly algorithm: string
  readonly key_id: string
  readonly used: number
}

/** Fallback keys, and whether they were used. */
export const fallbackKeys = tableStep<FallbackRow>({
  name: 'fallback keys',
  table: 'e2e_fallback_keys_json',
  query: () => ({
    from: 'e2e_fallback_keys_json',
    columns: ['user_id', 'device_id', 'algorithm', 'key_id', 'key_json', 'used'],
    key: ['user_id', 'device_id', 'algorithm'],
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'fallback_keys', [
      ...['user_id', 'device_id', 'algorithm', 'key_id', 'json', 'used'],
    ])
    return rows => {
      const usable = those(
        rows,
        row => isOfServer(row.user_id, serverName) && isKey(row.key_json),
        count => progress.left('fallback keys that cannot be read', count),
      )
      progress.came('fallback keys', usable.length)
      return [insert.rows(usable.map(row => ({ ...row, json: row.key_json, used: row.used ? 1 : 0 })))]
    }
  },
})

interface DehydratedRow {
  readonly user_id: string
  readonly device_id: string
  readonly device_data: string
}

/** Devices that wait to be taken up by one that their owner logs in. */
export const dehydratedDevices = tableStep<DehydratedRow>({
  name: 'dehydrated devices',
  table: 'dehydrated_devices',
  query: () => ({
    from: 'dehydrated_devices',
    columns: ['user_id', 'device_id', 'device_data'],
    key: ['user_id'],
  }),
  begin: ({ db }, progress) => {
    const insert = new BulkInsert(db, 'dehydrated_devices', ['user_id', 'device_id', 'device_data'])
    return rows => {
      const usable = those(
        rows,
        row => objectOf(row.device_data) !== undefined,
        count => progress.left('dehydrated devices that cannot be read', count),
      )
      progress.came('dehydrated devices', usable.length)
      return [insert.rows([...usable].map(row => ({ ...row })))]
    }
  },
})
