import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { aliceAndBob, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { syncAs, syncUntil } from '../../test-kit/syncing.ts'

type Json = Record<string, unknown>
interface Room {
  readonly unread_notifications: { readonly notification_count: number; readonly highlight_count: number }
}

testDatabases(test, 'what ignored people have said is unread no longer', async (t, _, database) => {
  const server = await startTestServer({ database, settings: { presence: { enabled: false } } })
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const carol = await registerPerson(server, 'carol')
  const roomId = await alice.createOpenRoom()
  for (const one of [bob, carol]) await one.post(`/join/${encodeURIComponent(roomId)}`)
  const say = (who: typeof bob, txn: string, more: Json = {}) =>
    who.put(`/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txn}`, {
      ...{ msgtype: 'm.text', body: txn, ...more },
    })
  const counts = (body: Json): string | undefined => {
    const joined = (body['rooms'] as { join?: Record<string, Room> } | undefined)?.join?.[roomId]
    const count = joined?.unread_notifications
    return count && `${count.notification_count}/${count.highlight_count}`
  }
  await say(bob, 'b1')
  await say(carol, 'c1')
  await say(bob, 'b2', { 'm.mentions': { user_ids: [alice.userId] } })
  const INBOX = '/_matrix/client/v1/chat.tessera/notifications'
  const waiting = async () => ((await alice.get(INBOX)) as { total: number }).total
  await eventually('the inbox is there', async () => (await waiting()) === 3)
  const before = await syncAs(alice)
  t.is(counts(before.body), '3/1')

  const slide = (pos?: string) =>
    alice.post(`/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${pos ? `?pos=${pos}` : ''}`, {
      lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } },
    })
  const slid = String((await slide())['pos'])

  // Carol has the same rules: to her nothing has changed.
  const start = await syncAs(carol)
  t.is(counts(start.body), '1/0')
  await alice.put(`/user/${alice.userId}/account_data/m.ignored_user_list`, {
    ignored_users: { [bob.userId]: {} },
  })
  const after = await syncUntil(alice, before.token, ({ accountData }) => accountData.length > 0)
  t.is(counts(after.body), '1/0')
  t.is(counts((await syncAs(alice)).body), '1/0')
  t.is(counts((await syncAs(carol)).body), '1/0')
  const further = await slide(slid)
  t.like(further['rooms'], { [roomId]: { notification_count: 1, highlight_count: 0 } })
  t.deepEqual((await slide(String(further['pos'])))['rooms'], {})
  const { notifications } = (await alice.get('/notifications')) as { notifications: { event: Json }[] }
  t.deepEqual(
    notifications.map(({ event }) => event['sender']),
    [carol.userId],
  )
  await eventually('the inbox is looked through', async () => (await waiting()) === 1)
  await say(bob, 'b3')
  await say(carol, 'c2')
  t.is(counts((await syncAs(alice)).body), '2/0')
})
