import test from 'ava'
import type { JsonObject } from '../../../core/json.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { ALICE, BOB, keysOf, masterKey, remoteDevicesWorld } from '../../../test-kit/remote-devices-world.ts'
import { KeyClaims } from '../key-claim.ts'
import { noRemoteKeys } from '../ports.ts'
import { RemoteDevices } from './remote-devices.ts'

const FILLER = 'x'.repeat(100_000)

testDatabases(
  test,
  'a user of another server cannot have an identity that all choke on',
  async (t, database) => {
    const { remote, identity, update, devices, master } = await remoteDevicesWorld(database)
    Object.assign(remote, { streamId: 5, devices: ['ONE'], master: masterKey(1) })
    t.deepEqual(await master(), masterKey(1))
    await identity({ ...masterKey(2), filler: FILLER })
    t.deepEqual(await master(), masterKey(1), 'one that is told of')
    Object.assign(remote, { streamId: 9, devices: ['NINE'], master: { ...masterKey(3), filler: FILLER } })
    await update(9, [8], 'NINE')
    t.deepEqual((await devices()).ids, ['NINE'])
    t.is(await master(), undefined, 'one that is in the whole list')
  },
)

testDatabases(
  test,
  'keys of people with whom no room is shared are of a size that is somebody’s',
  async (t, database) => {
    const { encryption, bobIs } = await remoteDevicesWorld(database)
    await bobIs('leave', 3)
    let more: JsonObject = {}
    const remote = new RemoteDevices(encryption.context, {
      followed: async () => {},
      remote: {
        ...noRemoteKeys,
        keysQuery: async () => ({
          deviceKeys: new Map([[BOB, new Map([['ONE', keysOf('ONE')]])]]),
          masterKeys: new Map([[BOB, { ...masterKey(1), ...more }]]),
          selfSigningKeys: new Map([[BOB, { ...masterKey(2), usage: ['self_signing'], ...more }]]),
        }),
      },
    })
    const found = async (): Promise<unknown> => {
      const answer = await remote.query(new Map([[BOB, []]]), ALICE, undefined)
      return [answer.device_keys, answer.master_keys, answer.self_signing_keys].map(
        keys => Object.keys(keys).length,
      )
    }
    t.deepEqual(await found(), [1, 1, 1])
    more = { filler: FILLER }
    t.deepEqual(await found(), [1, 0, 0])
  },
)

testDatabases(test, 'so are their one-time keys', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const key = { key: 'abc', signatures: {} }
  const claims = new KeyClaims(encryption.context, {
    keysLeft: encryption.keysLeft,
    remote: {
      ...noRemoteKeys,
      keysClaim: async () =>
        new Map([
          [
            BOB,
            new Map([
              ['ONE', { 'signed_curve25519:A': key }],
              ['TWO', { 'signed_curve25519:B': { ...key, filler: FILLER } }],
            ]),
          ],
        ]),
    },
  })
  const wanted = { [BOB]: { ONE: 'signed_curve25519', TWO: 'signed_curve25519' } }
  t.deepEqual((await claims.claim(wanted, undefined)).one_time_keys, {
    [BOB]: { ONE: { 'signed_curve25519:A': key } },
  })
})
