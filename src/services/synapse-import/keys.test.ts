import test from 'ava'
import { CrossSigningKeyReader } from '../../storage/encryption/cross-signing-keys.ts'
import { DehydratedDeviceReader } from '../../storage/encryption/dehydrated-devices.ts'
import { DeviceKeysReader } from '../../storage/encryption/device-keys.ts'
import { DeviceListReader } from '../../storage/encryption/device-list-changes.ts'
import { KeyBackupReader } from '../../storage/encryption/key-backups.ts'
import { KeySignatureReader } from '../../storage/encryption/key-signatures.ts'
import { claimedKey, OneTimeKeyReader, OneTimeKeyWriter } from '../../storage/encryption/one-time-keys.ts'
import { ToDeviceReader } from '../../storage/encryption/to-device.ts'
import { imported, testImports } from '../../test-kit/synapse.ts'
import { deviceLists, signedUsers } from './device-lists.ts'
import { backedUpKeys, keyBackups } from './key-backups.ts'
import {
  crossSigningKeys,
  dehydratedDevices,
  deviceKeys,
  fallbackKeys,
  keySignatures,
  oneTimeKeys,
} from './keys.ts'
import { devices } from './sessions.ts'
import { outgoingToDevice, receivedToDevice, toDevice } from './to-device.ts'

const ANN = '@ann:a.test'
const AT = { user_id: ANN, device_id: 'D' }
const DEVICES = [{ ...AT, display_name: null, last_seen: null, ip: null, user_agent: null, hidden: false }]

testImports(test, 'keys and signatures come over', async (t, db, open, config) => {
  const key = (name: string) => JSON.stringify({ user_id: ANN, keys: { [`ed25519:${name}`]: name } })
  const otk = { ...AT, algorithm: 'signed_curve25519' }
  const source = await open({
    devices: DEVICES,
    e2e_device_keys_json: [
      { ...AT, ts_added_ms: 1, key_json: '{"keys":{}}' },
      { ...AT, device_id: 'BAD', ts_added_ms: 1, key_json: '{' },
    ],
    e2e_cross_signing_keys: [
      { user_id: ANN, keytype: 'master', keydata: key('old'), stream_id: 1 },
      { user_id: ANN, keytype: 'master', keydata: key('new'), stream_id: 3 },
      { user_id: ANN, keytype: 'self_signing', keydata: '[]', stream_id: 2 },
      { user_id: '@eve:b.test', keytype: 'master', keydata: key('eve'), stream_id: 4 },
    ],
    e2e_cross_signing_signatures: [1, 2].map(() => ({
      ...{ user_id: ANN, key_id: 'ed25519:new', target_user_id: '@eve:b.test', target_device_id: 'eve' },
      signature: 'sig',
    })),
    e2e_one_time_keys_json: [
      { ...otk, key_id: 'AAB', ts_added_ms: 1, key_json: '{"key":"first"}' },
      { ...otk, key_id: 'AAA', ts_added_ms: 2, key_json: '{"key":"second"}' },
      { ...otk, key_id: 'AAC', ts_added_ms: 2, key_json: '7' },
    ],
    e2e_fallback_keys_json: [{ ...otk, key_id: 'F', key_json: '{"key":"f"}', used: true }],
    dehydrated_devices: [{ ...AT, device_data: '{"algorithm":"x"}' }],
  })
  const { came, left } = await imported({ db, source, config }, [
    ...[devices, deviceKeys, crossSigningKeys, keySignatures, oneTimeKeys, fallbackKeys, dehydratedDevices],
  ])
  t.like(came, { 'keys of devices': 1, 'cross-signing keys': 1, 'one-time keys': 2, 'fallback keys': 1 })
  t.is(Object.values(left).length, 3)
  t.like(await new DeviceKeysReader(db).one(ANN, 'D'), { json: '{"keys":{}}' })
  const crossSigning = await new CrossSigningKeyReader(db).ofUsers([ANN, '@eve:b.test'])
  t.deepEqual(crossSigning, [{ userId: ANN, usage: 'master', publicKey: 'new', json: key('new') }])
  const signatures = await new KeySignatureReader(db).visible(['@eve:b.test'], ANN)
  t.deepEqual(
    signatures.map(({ targetKey, signerKey, signature }) => [targetKey, signerKey, signature]),
    [['eve', 'ed25519:new', 'sig']],
  )
  const reader = new OneTimeKeyReader(db)
  t.deepEqual(await reader.counts(ANN, 'D'), { signed_curve25519: 2 })
  t.like(await reader.left(ANN, 'D'), { counts: { signed_curve25519: 2 } })
  const wanted = { userId: ANN, deviceId: 'D', algorithm: 'signed_curve25519' }
  const claimed = await db.commit({ statements: [new OneTimeKeyWriter(db).claim([wanted], 6)] })
  const rows = claimed.ok ? (claimed.returned['claimed'] ?? []) : []
  t.deepEqual(
    rows.map(row => claimedKey(row).keyId),
    ['AAB'],
    'the oldest is given out first',
  )
  t.is((await new DehydratedDeviceReader(db).ofUser(ANN))?.deviceId, 'D')
})

testImports(test, 'key backups come over with all their keys', async (t, db, open, config) => {
  const version = { user_id: ANN, algorithm: 'm.megolm_backup.v1', auth_data: '{"public_key":"x"}', etag: 7 }
  const session = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: '{"a":1}' }
  const source = await open({
    e2e_room_keys_versions: [
      { ...version, version: 1, deleted: 1 },
      { ...version, version: 2, deleted: 0 },
      { ...version, version: 3, deleted: 1 },
    ],
    e2e_room_keys: [1, 2].flatMap(v =>
      ['s1', 's2'].map(session_id => ({
        ...session,
        ...{ user_id: ANN, room_id: '!r:a.test', session_id, version: v },
      })),
    ),
  })
  const { came } = await imported({ db, source, config }, [keyBackups, backedUpKeys])
  t.deepEqual(came, { 'key backups': 1, 'backed-up keys': 2 })
  const reader = new KeyBackupReader(db)
  t.like(await reader.current(ANN), { version: 2, etag: 7, keyCount: 2 })
  t.is((await reader.page(ANN, 2, { roomId: '', sessionId: '' }, 9)).length, 2)
})

testImports(test, 'messages that devices have not fetched come over', async (t, db, open, config) => {
  const message = (n: number) => JSON.stringify({ sender: '@eve:b.test', type: 'm.x', content: { n } })
  const source = await open({
    devices: DEVICES,
    device_inbox: [
      { ...AT, stream_id: 20, message_json: message(2) },
      { ...AT, stream_id: 3, message_json: message(1) },
      { ...AT, stream_id: 30, message_json: '{"sender":1}' },
    ],
    device_federation_inbox: [{ origin: 'b.test', message_id: 'm', received_ts: 4 }],
    device_federation_outbox: [
      {
        ...{ destination: 'b.test', stream_id: 1, queued_ts: 1 },
        messages_json: '{"message_id":"m","messages":{},"sender":"@ann:a.test","type":"m.x"}',
      },
    ],
  })
  const { came, left } = await imported({ db, source, config }, [
    ...[devices, toDevice, receivedToDevice, outgoingToDevice],
  ])
  t.like(came, { 'messages to devices': 2, 'messages to devices of other servers': 1 })
  t.deepEqual(left, { 'messages to devices that cannot be read': 1 })
  const waiting = await new ToDeviceReader(db).waiting(ANN, 'D', { after: 0, upTo: 99 }, 9)
  t.deepEqual(
    waiting.map(({ content, sender }) => [content, sender]),
    [1, 2].map(n => [`{"n":${n}}`, '@eve:b.test']),
  )
})

testImports(test, 'changes of device lists keep their places', async (t, db, open, config) => {
  const source = await open({
    device_lists_stream: [
      { stream_id: 1_000, user_id: ANN, device_id: 'D' },
      { stream_id: 1_001, user_id: '@eve:b.test', device_id: 'E' },
      { stream_id: 1_001, user_id: '@fay:b.test', device_id: 'F' },
    ],
    user_signature_stream: [
      { stream_id: 1_005, from_user_id: ANN, user_ids: '["@eve:b.test"]' },
      { stream_id: 1_006, from_user_id: ANN, user_ids: '{' },
    ],
  })
  await imported({ db, source, config }, [deviceLists, signedUsers])
  t.is(db.position('device_lists'), 1_007, 'behind all that Synapse has used')
  const reader = new DeviceListReader(db)
  const changes = await reader.between(0, 2_000, 9)
  t.deepEqual(
    changes.map(({ position, userId, deviceId }) => [position, userId, deviceId]),
    [
      [1_000, ANN, 'D'],
      [1_001, '@eve:b.test', 'E'],
      [1_007, '@fay:b.test', 'F'],
    ],
  )
  t.deepEqual(await reader.changedFor(ANN, 1_004, 2_000), ['@eve:b.test'])
})
