import test from 'ava'
import { registrations } from '../../test-kit/app-service.ts'
import { registration } from '../../test-kit/app-service-world.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

testDatabases(test, 'people are found by those who may know of them', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob, carol, dave] = await Promise.all(
    ['alice', 'bob', 'carol', 'dave'].map(name => registerPerson(server, name)),
  )
  if (!alice || !bob || !carol || !dave) return t.fail('nobody is there')
  const find = async (person: Person, term: string, limit?: number) => {
    const answer = await person.post('/user_directory/search', {
      search_term: term,
      ...(limit ? { limit } : {}),
    })
    return answer as { results: Json[]; limited: boolean }
  }
  const ids = async (person: Person, term: string) =>
    (await find(person, term)).results.map(user => user['user_id'])
  await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Robert Töpfer 東京' })
  await bob.put(`/profile/${bob.userId}/avatar_url`, { avatar_url: 'mxc://localhost/bob' })
  t.deepEqual(await ids(alice, 'robert'), [], 'they share no room')
  t.deepEqual(await ids(alice, 'alice'), [], 'and whoever is in none finds nobody')
  const secret = await bob.createRoom({ invite: [alice.userId] })
  t.deepEqual(await ids(alice, 'robert'), [], 'an invitation is not a room in common')
  await alice.join(secret)
  t.deepEqual((await find(alice, 'ROB')).results, [
    { user_id: bob.userId, display_name: 'Robert Töpfer 東京', avatar_url: 'mxc://localhost/bob' },
  ])
  for (const term of ['töpf', 'bob', '@bob:localhost', '京', 'robert töpfer']) {
    t.deepEqual(await ids(alice, term), [bob.userId], term)
  }
  t.deepEqual(await ids(alice, 'alice'), [alice.userId], 'whoever is in a room is found, also by themselves')
  for (const term of ['obert', 'töpfer robert x', '%', '']) t.deepEqual(await ids(alice, term), [], term)
  t.deepEqual(await ids(carol, 'robert'), [])

  // In public rooms everybody is known to everybody, by the name that they have everywhere.
  const open = await carol.createOpenRoom()
  await dave.join(open)
  await dave.put(`/profile/${dave.userId}/displayname`, { displayname: 'Public Dave' })
  const hidden = await dave.createRoom()
  await dave.setState(hidden, 'm.room.member', { membership: 'join', displayname: 'Agent Zero' }, dave.userId)
  t.deepEqual(await ids(alice, 'agent'), [], 'what somebody is called in a room of others stays there')
  const shown = [{ user_id: dave.userId, display_name: 'Public Dave' }]
  t.deepEqual((await find(alice, 'public')).results, shown, 'which another name in one room does not hide')
  t.deepEqual((await find(dave, 'public')).results, shown)
  await alice.join(open)
  await bob.join(open)
  t.like(await find(alice, 'localhost', 1), { limited: true })
  t.like(await find(alice, 'localhost', 4), { limited: false })
  await dave.leave(open)
  t.deepEqual(await ids(alice, 'dave'), [])
})

testDatabases(
  test,
  'all users of the server are found where the operator has it so',
  async (t, _, config) => {
    const service = registration('http://127.0.0.1:9')
    const server = await startTestServer({
      database: config,
      settings: {
        registration: { mode: 'open' },
        user_directory: { all_users: true },
        application_services: { directory: registrations(t, service) },
      },
    })
    t.teardown(server.close)
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Robert' })
    const ids = async (term: string): Promise<unknown[]> => {
      const answer = await alice.post('/user_directory/search', { search_term: term })
      return (answer['results'] as Json[]).map(user => user['user_id']).sort()
    }
    await eventually('a new name in the directory', async () => (await ids('robert')).includes(bob.userId))
    t.deepEqual(await ids('alice'), [alice.userId])
    const made = await server.request('POST', '/_matrix/client/v3/register', {
      token: String(service['as_token']),
      json: { type: 'm.login.application_service', username: '_irc_carl' },
    })
    t.is(made.status, 200)
    const last = await registerPerson(server, 'dora')
    await eventually('a later account in the directory', async () =>
      (await ids('dora')).includes(last.userId),
    )
    t.deepEqual(await ids('carl'), [], 'of bridges those whom rooms show')
  },
)
