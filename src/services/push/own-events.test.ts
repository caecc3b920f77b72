import test from 'ava'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { syncAs } from '../../test-kit/syncing.ts'

const path = encodeURIComponent

const unread = async (who: Person, room: string): Promise<unknown> => {
  const { rooms } = (await syncAs(who)).body as {
    rooms: { join: Record<string, { unread_notifications: { notification_count: number } }> }
  }
  return rooms.join[room]?.unread_notifications.notification_count
}

test('what a device sends by itself has read nothing for its user', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const info = await alice.setState(room, 'm.beacon_info', { live: true, timeout: 60_000 }, alice.userId)
  await bob.say(room, 'are you there?')
  t.is(await unread(alice, room), 1)
  const here = { 'm.relates_to': { rel_type: 'm.reference', event_id: info } }
  await alice.send(room, 'm.beacon', here)
  await alice.send(room, 'org.matrix.msc3672.beacon', here)
  const sticky = 'org.matrix.msc4354.sticky_duration_ms=600000'
  await alice.put(`/rooms/${path(room)}/send/org.matrix.msc4143.rtc.member/call?${sticky}`, {
    sticky_key: 'phone',
  })
  t.is(await unread(alice, room), 1)
  await alice.send(room, 'm.reaction', {
    'm.relates_to': { rel_type: 'm.annotation', event_id: info, key: 'x' },
  })
  t.is(await unread(alice, room), 0)
})
