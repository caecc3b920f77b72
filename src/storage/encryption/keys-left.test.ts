import test from 'ava'
import { countedReads } from '../../test-kit/counted-reads.ts'
import { bothDatabases } from '../../test-kit/database.ts'
import { KeysLeftReader } from './keys-left.ts'

bothDatabases(
  test,
  'all who ask at once what keys are left share a read, and each has its own answer',
  async (t, plain) => {
    const { database, during } = countedReads(plain)
    const users = Array.from({ length: 12 }, (_, n) => `@user${n}:here.test`)
    const devices = users.flatMap(userId => ['A', 'B'].map(deviceId => ({ userId, deviceId })))
    const key = database.prepare(
      `INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, ordinal, json, claimed_ts)
     VALUES (?, ?, ?, ?, 1, '{}', ?)`,
    )
    const fallback = database.prepare(
      `INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, json, used) VALUES (?, ?, ?, 'f', '{}', ?)`,
    )
    const rows = devices.flatMap(({ userId, deviceId }, n) =>
      Array.from({ length: n }, (_, k) => [userId, deviceId, k % 2 ? 'odd' : 'even', `${k}`, null]),
    )
    const claimed = devices.map(({ userId, deviceId }) => [userId, deviceId, 'even', 'claimed', 1])
    const fallbacks = devices.map(({ userId, deviceId }, n) => [
      userId,
      deviceId,
      'signed',
      n % 3 === 0 ? 0 : 1,
    ])
    const statements = [
      { prepared: key, rows: [...rows, ...claimed] },
      { prepared: fallback, rows: fallbacks },
    ]
    t.true((await database.commit({ statements })).ok)
    const left = new KeysLeftReader(database)
    const expected = (n: number) => ({
      counts: { ...(n > 0 ? { even: Math.ceil(n / 2) } : {}), ...(n > 1 ? { odd: Math.floor(n / 2) } : {}) },
      unusedFallbackTypes: n % 3 === 0 ? ['signed'] : [],
    })
    for (const count of [1, 3, devices.length]) {
      const asking = devices.slice(0, count)
      const reads = await during(async () => {
        const answers = await Promise.all(asking.map(({ userId, deviceId }) => left.of(userId, deviceId)))
        t.deepEqual(
          answers,
          asking.map((_, n) => expected(n)),
        )
      })
      t.is(reads, 1)
    }
    t.deepEqual(await left.of('@user1:here.test', 'none'), { counts: {}, unusedFallbackTypes: [] })
  },
)
