import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { remoteDevicesWorld } from '../../test-kit/remote-devices-world.ts'

testDatabases(test, 'keys that nobody has are claimed without writing anything', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const { commit } = database
  let commits = 0
  database.commit = set => {
    commits++
    return commit.call(database, set)
  }
  const devices = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`D${n}`, 'signed_curve25519']))
  const claim = { '@alice:near.test': devices, '@nobody:near.test': devices }
  t.deepEqual(await encryption.servedKeys.claim(claim), { one_time_keys: {} })
  t.is(commits, 0)
})
