import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'
import { DeviceListWriter } from './device-list-writer.ts'

const [ALICE, BOB, CAROL] = ['@alice:here.test', '@bob:here.test', '@carol:far.test']

bothDatabases(
  test,
  'of old changes of devices and identities the newest are kept, however many there were',
  async (t, database) => {
    const write = new DeviceListWriter(database)
    const changes = [
      write.insert(ALICE, ['A'], 1),
      write.insert(ALICE, [''], 2),
      write.insertFor(BOB, [ALICE], 3),
      write.insert(ALICE, ['B'], 4),
      write.insertFor(BOB, [ALICE], 5),
      write.insert(ALICE, [''], 6),
      write.insert(ALICE, [''], 7),
      write.insertFor(BOB, [ALICE], 8),
      write.insertFor(BOB, [ALICE], 9),
      write.insertFor(CAROL, [ALICE], 10),
      // Of another server's user nothing else may ever be told.
      write.insert(CAROL, [''], 11),
      write.insert(CAROL, [''], 12),
      write.insert(CAROL, [''], 50),
      write.insertFor(ALICE, [CAROL], 51),
    ]
    for (const statement of changes) t.true((await database.commit({ statements: [statement] })).ok)
    const rows = database.prepare('SELECT changed_ts FROM device_list_changes ORDER BY position')
    const left = async (before: number): Promise<number[]> => {
      t.true((await database.commit({ statements: [write.expire(before)] })).ok)
      return (await database.all<{ changed_ts: number }>(rows)).map(row => row.changed_ts)
    }
    t.deepEqual(await left(5), [4, 5, 6, 7, 8, 9, 10, 11, 12, 50, 51])
    t.deepEqual(await left(20), [4, 7, 9, 10, 50, 51])
    t.deepEqual(await left(100), [4, 7, 9, 10, 50, 51])
  },
)
