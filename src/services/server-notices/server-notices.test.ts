import test from 'ava'
import { defaultConfig } from '../../config/load.ts'
import { silentLog } from '../../core/log.ts'
import { openCliServices } from '../../server-cli.ts'
import { startAdministered } from '../../test-kit/administrator.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { type Person, personOf, registerPerson } from '../../test-kit/person.ts'
import { type RunningTestServer, startTestServer, TEST_PASSWORD } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

type Json = Record<string, unknown>

const path = encodeURIComponent
const SENDER = '@notices:localhost'
const settings = {
  server_notices: {
    localpart: 'notices',
    display_name: 'The staff',
    avatar_url: 'mxc://localhost/staff',
    room_name: 'From the staff',
  },
}

/** The rooms to which somebody is invited. */
const invitations = async (who: Person): Promise<string[]> => {
  const { rooms } = (await who.get('/sync')) as { rooms?: { invite?: Json } }
  return Object.keys(rooms?.invite ?? {})
}

const invitation = async (who: Person): Promise<string> => {
  await eventually(`${who.userId} is invited`, async () => (await invitations(who)).length > 0)
  const [roomId = ''] = await invitations(who)
  return roomId
}

const notices = async (who: Person, roomId: string): Promise<Json[]> => {
  const { chunk } = await who.get(`/rooms/${path(roomId)}/messages?dir=b&limit=50`)
  return (chunk as Json[]).filter(({ type }) => type === 'm.room.message').toReversed()
}

testDatabases(
  test,
  'server notices: one room for each user, whatever they think of it',
  async (t, _, database) => {
    const clock = new FakeClock(Date.now() + 60_000)
    const directory = temporaryDirectory(t)
    const server = await startTestServer({ clock, database, directory, settings })
    t.teardown(server.close)
    const url = database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url
    const config = { server_name: 'localhost', data_directory: directory, database: { url }, ...settings }
    const beside = await openCliServices(defaultConfig(directory, config), silentLog)
    t.teardown(() => beside.close())
    const [ann, bob] = [await registerPerson(server, 'ann'), await registerPerson(server, 'bob')]
    await t.throwsAsync(server.register('notices'), { message: /M_USER_IN_USE/ }, 'nobody else may be it')
    await ann.put(`/user/${path(ann.userId)}/account_data/m.invite_permission_config`, {
      default_action: 'block',
    })

    await t.throwsAsync(beside.sendNotice({ userId: '@nobody:localhost', body: 'Hi' }), {
      message: /no account/,
    })
    await t.throwsAsync(beside.sendNotice({ userId: ann.userId, body: ' ' }), { message: /needs a text/ })
    t.is(await beside.sendNotice({ userId: ann.userId, body: 'Welcome' }), 1)
    await clock.advance(60_000)
    const roomId = await invitation(ann)
    const room = `/rooms/${path(roomId)}`
    t.deepEqual(await ann.get(`/user/${path(ann.userId)}${room}/tags`), { tags: { 'm.server_notice': {} } })

    const refused = '403 M_CANNOT_LEAVE_SERVER_NOTICE_ROOM'
    const member = `${room}/state/m.room.member/${path(ann.userId)}`
    t.is(await ann.code('POST', `${room}/leave`, {}), refused)
    t.is(await ann.code('POST', `${room}/kick`, { user_id: ann.userId }), refused)
    t.is(await ann.code('PUT', member, { membership: 'leave' }), refused)
    await ann.join(roomId)
    const [welcome] = await notices(ann, roomId)
    t.like(welcome, {
      sender: SENDER,
      content: { msgtype: 'm.server_notice', server_notice_type: 'chat.tessera.notice', body: 'Welcome' },
    })
    t.deepEqual(await ann.get(`${room}/state/m.room.name`), { name: 'From the staff' })
    t.deepEqual(await ann.get(`${room}/state/m.room.member/${path(SENDER)}`), {
      membership: 'join',
      displayname: 'The staff',
      avatar_url: 'mxc://localhost/staff',
    })
    t.is(
      await ann.code('PUT', `${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'Hi' }),
      '403 M_FORBIDDEN',
    )
    t.is(await ann.code('POST', `${room}/invite`, { user_id: bob.userId }), '403 M_FORBIDDEN')

    // "Servers should not prevent the user leaving the room after joining": the next notice invites them again.
    await ann.leave(roomId)
    const full = Object.fromEntries(Array.from({ length: 100 }, (_, tag) => [`u.${tag}`, {}]))
    await ann.put(`/user/${path(ann.userId)}${room}/account_data/m.tag`, { tags: full })
    t.is(await beside.sendNotice({ body: 'To all' }), 2)
    await clock.advance(60_000)
    t.is(await invitation(ann), roomId)
    await ann.join(roomId)
    t.deepEqual(
      (await notices(ann, roomId)).map(({ content }) => (content as Json)['body']),
      ['Welcome', 'To all'],
    )
    const { tags } = await ann.get(`/user/${path(ann.userId)}${room}/tags`)
    t.is(Object.keys(tags as Json).length, 101, 'what somebody has stored keeps no notice from them')
    const other = await invitation(bob)
    t.not(other, roomId)
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'bob' },
      password: TEST_PASSWORD,
    }
    await bob.post('/account/deactivate', { auth })
    t.is(await beside.sendNotice({ body: 'To those who are left' }), 1)
  },
)

testDatabases(test, 'who has lost the room of the notices gets another', async (t, _, database) => {
  const directory = temporaryDirectory(t)
  const options = (localpart: string) => ({
    ...{ database, directory },
    settings: { server_notices: { ...settings.server_notices, localpart } },
  })
  const first = await startAdministered(options('notices'))
  const ann = await registerPerson(first.server, 'ann')
  const tell = async (server: RunningTestServer, body: string): Promise<void> => {
    const json = { user_id: ann.userId, content: { msgtype: 'm.text', body } }
    const { accessToken: token } = first.root
    const { status } = await server.request('POST', '/_synapse/admin/v1/send_server_notice', { token, json })
    t.is(status, 200, body)
  }
  await tell(first.server, 'Welcome')
  const deleted = await invitation(ann)
  await ann.join(deleted)
  await first.ask('DELETE', `/v1/rooms/${path(deleted)}`, { purge: true })

  await tell(first.server, 'The room was deleted')
  const second = await invitation(ann)
  t.not(second, deleted)
  await ann.join(second)
  t.is((await notices(ann, second)).length, 1)
  await first.server.close()

  const renamed = await startTestServer(options('staff'))
  t.teardown(renamed.close)
  const later = personOf(renamed, ann)
  await tell(renamed, 'The sender is another')
  const third = await invitation(later)
  await later.join(third)
  t.like((await notices(later, third))[0], { sender: '@staff:localhost' })
  const tags = (roomId: string) => later.get(`/user/${path(later.userId)}/rooms/${path(roomId)}/tags`)
  t.deepEqual([await tags(second), await tags(third)], [{ tags: {} }, { tags: { 'm.server_notice': {} } }])
})

test('without a user who writes them there are none', async t => {
  const directory = temporaryDirectory(t)
  const config = defaultConfig(directory, { server_name: 'localhost', data_directory: directory })
  const beside = await openCliServices(config, silentLog)
  t.teardown(() => beside.close())
  await t.throwsAsync(beside.sendNotice({ body: 'Hi' }), { message: /server_notices\.localpart/ })
})
