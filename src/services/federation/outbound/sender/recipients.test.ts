import test from 'ava'
import { silentLog } from '../../../../core/log.ts'
import { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'
import { RelayedEventReader } from '../../../../storage/federation/relayed-events.ts'
import { countedReads } from '../../../../test-kit/counted-reads.ts'
import { testDatabases } from '../../../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../../../test-kit/rooms.ts'
import { Recipients } from './recipients.ts'

testDatabases(
  test,
  'rooms of which nothing is known are looked at once, however much is said there',
  async (t, plain) => {
    const { database, during } = countedReads(plain)
    const { core, rooms } = await testRooms(database)
    const alice = requesterOf('@alice:here.test')
    const roomIds: string[] = []
    for (let n = 0; n < 3; n++)
      roomIds.push(await rooms.roomCreation.create(newRoom(rooms, alice.userId), { isDirect: false }))
    const { read } = core.context
    const outbox = new OutboxReader(database, read.news)
    const start = plain.position('events')
    await read.news.events(start, start)
    const say = async (times: number): Promise<void> => {
      for (const roomId of Array.from({ length: times }, () => roomIds).flat()) {
        const txnId = String(plain.position('events'))
        await rooms.sending.message(alice, { roomId, type: 'm.room.message', txnId, content: { body: '' } })
      }
    }
    const reads = async (times: number): Promise<number> => {
      const after = plain.position('events')
      await say(times)
      const rows = await outbox.events(after, plain.position('events'), 100)
      t.is(rows.length, 3 * times)
      const recipients = new Recipients({
        ...{ read, outbox, relayed: new RelayedEventReader(database), serverName: 'here.test' },
        ...{ permits: () => true, isHandedIn: () => false, log: silentLog },
      })
      return during(async () => {
        const addressed = await recipients.address(rows)
        t.deepEqual(
          addressed.map(({ servers }) => servers),
          rows.map(() => []),
        )
      })
    }
    t.is(await reads(5), await reads(1))
  },
)
