import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { ALICE, remoteDevicesWorld } from '../../test-kit/remote-devices-world.ts'
import type { Hear } from '../bulletin.ts'
import { BackedUpBytes } from './backed-up-bytes.ts'
import { KeyBackups } from './key-backups.ts'

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2'

testDatabases(
  test,
  'who has deleted keys that were too many is refused by no other process any more',
  async (t, database) => {
    const { encryption } = await remoteDevicesWorld(database)
    const heard: Hear[] = []
    const bulletin = {
      on: (_topic: string, hear: Hear) => void heard.push(hear),
      post: async (_topic: string, userId: unknown) => {
        for (const hear of heard) hear(userId, 1)
      },
    }
    const context = { ...encryption.context, bulletin }
    const processes = [1, 2].map(() => new BackedUpBytes(context, { most: 24, random: () => 0 }))
    const [one, other] = processes.map(bytes => new KeyBackups(encryption.context, bytes)) as [
      KeyBackups,
      KeyBackups,
    ]
    await one.create(ALICE, ALGORITHM, {})
    const put = (backups: KeyBackups, sessionId: string, length: number) =>
      backups.putKeys(ALICE, '1', [
        {
          ...{ roomId: '!r:near.test', sessionId, firstMessageIndex: 0, forwardedCount: 0 },
          ...{ isVerified: true, sessionData: JSON.stringify('x'.repeat(length - 2)) },
        },
      ])
    await put(one, 'a', 20)
    for (const backups of [one, other])
      await t.throwsAsync(put(backups, 'b', 20), { message: /Too many keys/ })
    await one.deleteKeys(ALICE, '1', {})
    t.is((await put(other, 'b', 20)).count, 1)
  },
)

testDatabases(test, 'what a user backs up is bounded by its bytes', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const clock = new FakeClock()
  const context = { ...encryption.context, clock }
  let chance = 0
  const bytes = new BackedUpBytes(context, { most: 24, random: () => chance })
  const backups = new KeyBackups(context, bytes)
  for (let version = 1; version <= 2; version++) await backups.create(ALICE, ALGORITHM, {})
  const put = (sessionId: string, version = '2') =>
    backups.putKeys(ALICE, version, [
      {
        ...{ roomId: '!r:near.test', sessionId, firstMessageIndex: 0, forwardedCount: 0 },
        ...{ isVerified: true, sessionData: '{"a":"\u00e4\u00e4"}' },
      },
    ])
  // Each takes 12 bytes.
  await put('a')
  t.is((await put('b')).count, 2)
  const refused = { instanceOf: MatrixError, message: /Too many keys/ }
  await t.throwsAsync(put('c'), refused)
  chance = 1
  await t.throwsAsync(put('c'), refused, 'it is known now')
  await backups.deleteKeys(ALICE, '2', { roomId: '!r:near.test', sessionId: 'a' })
  t.is((await put('c')).count, 2, 'there is room again')
  t.is((await put('d')).count, 3, 'a small upload seldom has them added up')
  chance = 0
  await t.throwsAsync(put('e'), refused)
  chance = 1
  await clock.advance(60 * 60_000)
  await t.throwsAsync(put('e'), refused, 'added up once more')
  await backups.delete(ALICE, '2')
  t.is((await put('e', '1')).count, 1)
})
