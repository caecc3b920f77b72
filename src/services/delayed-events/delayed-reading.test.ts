import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { aliceAndBob } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { syncAs } from '../../test-kit/syncing.ts'

const path = encodeURIComponent
const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140'

testDatabases(test, 'whose message is sent at its time has read nothing by that', async (t, _, database) => {
  const clock = new FakeClock()
  const server = await startTestServer({ clock, database })
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const unread = async (): Promise<unknown> => {
    const { rooms } = (await syncAs(alice)).body as {
      rooms: { join: Record<string, { unread_notifications: unknown }> }
    }
    return rooms.join[room]?.unread_notifications
  }
  const target = `/rooms/${path(room)}/send/m.room.message/later?org.matrix.msc4140.delay=60000`
  const { delay_id: delayId } = await alice.put(target, { msgtype: 'm.text', body: 'good morning' })
  await bob.say(room, 'in the night', { 'm.mentions': { user_ids: [alice.userId] } })
  await clock.advance(60_000)
  await eventually('it is sent', async () => {
    const { event_id: sent } = await alice.get(`${UNSTABLE}/delayed_events/${String(delayId)}`)
    return sent !== undefined
  })
  t.deepEqual(await unread(), { notification_count: 1, highlight_count: 1 })
  await alice.say(room, 'I am up')
  t.deepEqual(await unread(), { notification_count: 0, highlight_count: 0 })
})
