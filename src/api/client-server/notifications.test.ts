import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { aliceAndBob } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

const path = encodeURIComponent

testDatabases(test, 'notifications are listed in pages, read or not', async (t, _, database) => {
  const server = await startTestServer({ database })
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const said: string[] = []
  for (let i = 0; i < 5; i++) {
    const more = i % 2 === 0 ? { 'm.mentions': { user_ids: [bob.userId] } } : {}
    said.push(await alice.say(room, `message ${i}`, more))
  }
  await bob.post(`/rooms/${path(room)}/receipt/m.read/${path(said[2] ?? '')}`)
  type Page = { next_token?: string; notifications: Json[] }
  const list = async (query: string): Promise<Page> => (await bob.get(`/notifications${query}`)) as Page
  const show = ({ notifications }: Page): string =>
    notifications
      .map(
        one =>
          `${((one['event'] as Json)['content'] as Json)['body']}${one['read'] === true ? ' (read)' : ''}`,
      )
      .join(', ')
  t.is(show(await list('')), 'message 4, message 3, message 2 (read), message 1 (read), message 0 (read)')
  const page = await list('?limit=2')
  t.is(show(page), 'message 4, message 3')
  t.is(page.notifications[0]?.['room_id'], room)
  t.deepEqual(page.notifications[1]?.['actions'], ['notify', { set_tweak: 'sound', value: 'default' }])
  const second = await list(`?limit=2&from=${page.next_token}`)
  t.is(show(second), 'message 2 (read), message 1 (read)')
  const last = await list(`?limit=2&from=${second.next_token}`)
  t.is(show(last), 'message 0 (read)')
  t.is(last.next_token, undefined)
  t.is(show(await list('?only=highlight')), 'message 4, message 2 (read), message 0 (read)')
  const none = await list('?limit=0')
  t.deepEqual(none.notifications, [])
  t.is(
    show(await list(`?limit=1&from=${none.next_token}`)),
    'message 4',
    'they are still there to be asked for',
  )
  t.deepEqual(await list(`?limit=0&from=${second.next_token}`), {
    notifications: [],
    next_token: second.next_token,
  })
  t.is(show(await list('?limit=1000000')).split(', ').length, 5)
  t.is(await bob.code('GET', '/notifications?limit=many'), '400 M_INVALID_PARAM')
  t.is(await bob.code('GET', '/notifications?from=elsewhere'), '400 M_INVALID_PARAM')
  t.deepEqual((await alice.get('/notifications'))['notifications'], [])

  const closed = await alice.createRoom({ invite: [bob.userId] })
  await alice.say(room, 'message 5')
  const newest = await list('?limit=1')
  t.is(show(newest), 'message 5')
  const older = await list(`?limit=1&from=${newest.next_token}`)
  t.like(older.notifications[0], { room_id: closed, read: false, event: { state_key: bob.userId } })
  t.deepEqual(older.notifications[0]?.['actions'], ['notify', { set_tweak: 'sound', value: 'default' }])
  t.is(show(await list(`?limit=1&from=${older.next_token}`)), 'message 4')
  await bob.leave(closed)
  t.is(show(await list('?limit=2')), 'message 5, message 4', 'it is declined')
})
