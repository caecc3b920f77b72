import test from 'ava'
import { ServerKeyReader } from '../../storage/federation/server-keys.ts'
import { imported, testImports } from '../../test-kit/synapse.ts'
import { serverKeys } from './server-keys.ts'

testImports(
  test,
  'keys of other servers come over, also of those that are gone',
  async (t, db, open, config) => {
    const key = {
      key_id: 'ed25519:a',
      from_server: 'b.test',
      ts_added_ms: 2,
      verify_key: Buffer.alloc(32, 1),
    }
    const source = await open({
      server_signature_keys: [
        { ...key, server_name: 'b.test', ts_valid_until_ms: 4 },
        { ...key, server_name: 'b.test', key_id: 'ed25519:b', ts_valid_until_ms: 1e15 },
        { ...key, server_name: 'c.test', verify_key: Buffer.alloc(3), ts_valid_until_ms: 4 },
        { ...key, server_name: 'a.test', ts_valid_until_ms: 4 },
      ],
    })
    const { came, left } = await imported({ db, source, config }, [serverKeys])
    t.deepEqual(came, { 'keys of other servers': 2 })
    t.deepEqual(left, { 'keys of other servers that cannot be read': 1 })
    const rows = await new ServerKeyReader(db).ofServer('b.test')
    t.deepEqual(
      rows
        .toSorted((a, b) => (a.keyId < b.keyId ? -1 : 1))
        .map(row => [row.keyId, row.publicKey, row.validUntilTs, row.expiredTs]),
      [
        ['ed25519:a', Buffer.alloc(32, 1).toString('base64').replace('=', ''), 4, undefined],
        ['ed25519:b', Buffer.alloc(32, 1).toString('base64').replace('=', ''), 5 + 7 * 86_400_000, undefined],
      ],
    )
    t.deepEqual(await new ServerKeyReader(db).ofServer('a.test'), [])
  },
)
