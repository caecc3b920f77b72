import test, { type ExecutionContext } from 'ava'
import { openDatabase } from '../../../storage/open.ts'
import { testPostgres } from '../../../test-kit/database.ts'
import { DeviceSchedule } from '../../../test-kit/device-schedule.ts'

const seeds = Number(process.env['ENCRYPTION_SEEDS'] ?? '1')

const play = async (t: ExecutionContext, schedule: DeviceSchedule, rounds: number): Promise<void> => {
  await schedule.prepare()
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < 40; step++) await schedule.step()
    await schedule.check(t)
  }
}

for (let seed = 1; seed <= seeds; seed++) {
  test.serial(`whoever shares a room knows all devices, whatever happens on the way (${seed})`, async t => {
    await play(t, new DeviceSchedule(t, seed), 4)
  })
  testPostgres(
    test,
    `the same, and no key is given out twice, by two processes (${seed})`,
    async (t, own, config) => {
      const twin = await openDatabase(config)
      t.teardown(() => twin.close())
      await play(t, new DeviceSchedule(t, seed + 100, { own, twin }), 3)
    },
  )
}
